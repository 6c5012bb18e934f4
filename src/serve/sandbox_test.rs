#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn devices_are_told_from_other_lines() {
    let listed = "  CUDA0: NVIDIA H200 (143771 MiB, 143219 MiB free)";
    assert_eq!(device(listed).unwrap(), listed.trim());
    for other in
        ["Available devices:", "ggml_cuda_init: found 1 CUDA devices: 1 MiB", "CUDA: 1 MiB"]
    {
        assert_eq!(device(other), None, "{other}");
    }
}

#[test]
fn versions_are_told_from_other_lines() {
    assert_eq!(told("version: 9637 (2f89acc)").unwrap(), "9637 (2f89acc)");
    assert_eq!(told("llamafile v0.10.0").unwrap(), "llamafile v0.10.0");
    for other in ["", "built with GNU 15.2.0 for Linux x86_64", "error: version: none"] {
        assert_eq!(told(other), None, "{other}");
    }
}
