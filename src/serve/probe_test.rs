use super::*;

#[test]
fn layers_on_a_gpu_are_told_from_other_lines() {
    assert_eq!(layers("load_tensors: offloaded 31/33 layers to GPU"), Some((31, 33)));
    for other in [
        "",
        "load_tensors: offloading 30 repeating layers to GPU",
        "load_tensors: offloaded 31/33 layers",
        "load_tensors: offloaded 31 layers to GPU",
        "load_tensors: offloaded -1/33 layers to GPU",
    ] {
        assert_eq!(layers(other), None, "{other}");
    }
}
