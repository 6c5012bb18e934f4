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
