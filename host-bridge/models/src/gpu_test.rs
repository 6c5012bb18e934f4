#![allow(clippy::unwrap_used)]

use super::*;
use crate::server::Layout;

fn server(backends: &[Backend], rooted: bool) -> Server {
    let layout = match rooted {
        true => Layout::Rooted { root: "/r".into() },
        false => Layout::Installed { libraries: Vec::new(), loader: None, files: Vec::new() },
    };
    let backends = backends.to_vec();
    Server { program: "/x".into(), kind: Kind::LlamaServer, layout, backends }
}

fn dev(names: &[&str]) -> Devices {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const NVIDIA: &[&str] = &[
    "null",
    "nvidiactl",
    "nvidia0",
    "nvidia12",
    "nvidia-uvm",
    "nvidia-uvm-tools",
    "nvidia-modeset",
    "nvidia-caps/nvidia-cap1",
    "nvidia-caps/../mem",
    "nvidia1x",
    "nvidia",
    "dri/card0",
    "dri/renderD128",
    "kvm",
    "sda",
];

fn names(grants: &Grants) -> Vec<&str> {
    grants.devices.iter().map(|path| path.to_str().unwrap()).collect()
}

#[test]
fn nvidia_gets_what_cuda_opens_and_no_display() {
    let cuda = server(&[Backend::Cuda], false);
    let wanted = [
        "/dev/dri/renderD128",
        "/dev/nvidia-caps/nvidia-cap1",
        "/dev/nvidia-uvm",
        "/dev/nvidia-uvm-tools",
        "/dev/nvidia0",
        "/dev/nvidia12",
        "/dev/nvidiactl",
    ];
    for choice in [Gpu::Auto, Gpu::Nvidia] {
        let granted = grants(choice, &cuda, &dev(NVIDIA));
        assert_eq!(names(&granted), wanted);
        assert_eq!(granted.vendors, ["NVIDIA"]);
        assert!(granted.reads.contains(&"/proc/driver/nvidia".into()));
    }
    for choice in [Gpu::None, Gpu::Amd] {
        assert_eq!(grants(choice, &cuda, &dev(NVIDIA)), Grants::default());
    }
}

#[test]
fn amd_and_wsl() {
    let amd = dev(&["kfd", "dri/renderD128", "dri/renderD129", "dri/card1"]);
    let granted = grants(Gpu::Auto, &server(&[Backend::Hip], false), &amd);
    assert_eq!(names(&granted), ["/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/kfd"]);
    assert_eq!(granted.vendors, ["AMD"]);
    assert!(grants(Gpu::Nvidia, &server(&[Backend::Hip], false), &amd).is_empty());
    let granted = grants(Gpu::Nvidia, &server(&[Backend::Cuda], false), &dev(&["dxg"]));
    assert_eq!(names(&granted), ["/dev/dxg"]);
    assert!(granted.libraries.contains(&"/usr/lib/wsl/lib".into()));
}

#[test]
fn auto_follows_the_server() {
    let all = dev(&[NVIDIA, &["kfd"]].concat());
    let of =
        |backends: &[Backend], rooted| grants(Gpu::Auto, &server(backends, rooted), &all).vendors;
    assert_eq!(of(&[Backend::Cuda], false), ["NVIDIA"]);
    assert_eq!(of(&[Backend::Hip], false), ["AMD"]);
    assert_eq!(of(&[Backend::Vulkan], false), ["NVIDIA", "AMD"]);
    assert_eq!(of(&[Backend::Metal], false), [""; 0]);
    // Built in, perhaps.
    assert_eq!(of(&[], false), ["NVIDIA", "AMD"]);
    // A private root shows what it has.
    assert_eq!(of(&[], true), [""; 0]);
    let intel = dev(&["dri/renderD128", "dri/card0"]);
    let granted = grants(Gpu::Auto, &server(&[Backend::Vulkan], true), &intel);
    assert_eq!(
        (names(&granted), granted.vendors.clone()),
        (vec!["/dev/dri/renderD128"], vec!["Vulkan"])
    );
    assert!(grants(Gpu::Auto, &server(&[], false), &intel).is_empty());
}

#[test]
fn links_and_folders_are_no_devices() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("dri")).unwrap();
    std::fs::create_dir(dir.path().join("nvidia0")).unwrap();
    std::fs::write(dir.path().join("dri/renderD128"), "").unwrap();
    std::fs::write(dir.path().join("nvidiactl"), "").unwrap();
    std::os::unix::fs::symlink("/dev/mem", dir.path().join("nvidia1")).unwrap();
    assert_eq!(devices(dir.path()), dev(&["dri/renderD128", "nvidiactl"]));
    assert!(devices(Path::new("/nonexistent")).is_empty());
}

#[test]
fn a_mac_has_metal_for_servers_that_may_use_it() {
    let mac = dev(&["null", METAL]);
    let metal = grants(Gpu::Auto, &server(&[Backend::Metal], false), &mac);
    assert!(metal.metal && metal.devices.is_empty() && !metal.is_empty());
    assert!(grants(Gpu::Auto, &server(&[], false), &mac).metal);
    assert!(grants(Gpu::Auto, &server(&[Backend::Cuda], false), &mac).is_empty());
    assert!(grants(Gpu::None, &server(&[Backend::Metal], false), &mac).is_empty());
    assert!(!grants(Gpu::Auto, &server(&[], false), &dev(&["null"])).metal);
}
