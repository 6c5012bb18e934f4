//! Sandboxes and containers inside the guest: the whole of the kernel's interface is there, for
//! the caller as for the guest's root.
//!
//! What runs in the guest is in `nested/`. Each script prints a line for every thing that works
//! and, for one that does not, what was said.

use std::fs;
use std::process::Output;

use e2e::{Scene, lossy, users::NOBODYS};

use crate::ordinary;

/// System calls and file systems that sandboxes, debuggers and tests use.
const CALLS: &str = include_str!("nested/calls.py");
/// Sandboxes from the tools that are in the image.
const SANDBOXES: &str = include_str!("nested/sandboxes.sh");
/// What only the guest's root may.
const ROOT: &str = include_str!("nested/root.sh");
/// Containers.
const PODMAN: &str = include_str!("nested/podman.sh");

/// Lines of [`SANDBOXES`] when all is well.
const SANDBOXED: &str = "\
user namespace
mounts
subordinate ids
processes
fuse
overlay
network
packet filter
tap device
bubblewrap
bubblewrap in bubblewrap
limits
bridge: from outside
no way out
landlock
seccomp
seccomp with a supervisor
io_uring
pidfd
ptrace
perf
keyring
memfd
message queue
vsock
";

/// Lines of [`PODMAN`] when all is well.
const CONTAINED: &str = "\
import
run: 0
exit status: 7
volume: from the workspace
no network: lo
";

/// Puts the scripts into the workspace.
fn scene() -> Scene {
    let scene = Scene::new();
    for (name, text) in
        [("calls.py", CALLS), ("sandboxes.sh", SANDBOXES), ("root.sh", ROOT), ("podman.sh", PODMAN)]
    {
        fs::write(scene.file(name), text).unwrap();
    }
    scene
}

/// Runs a script as root of the guest.
fn as_root(scene: &Scene, script: &str) -> Output {
    scene.qvm().args(["--guest-root", "--", "sh", "-c", script]).output().unwrap()
}

/// Asserts what was printed, and shows what else was said.
fn assert_printed(output: &Output, expected: &str) {
    assert_eq!(lossy(&output.stdout), expected, "{}: {}", output.status, lossy(&output.stderr));
}

/// A14: bubblewrap, also as Claude's own `/sandbox` calls it, namespaces, filters, FUSE and
/// limits, for a caller without any privilege.
#[test]
fn sandboxes_of_an_ordinary_caller() {
    let scene = scene();
    let output = ordinary::run(&scene, NOBODYS, &[], "sh ./sandboxes.sh");
    assert_printed(&output, SANDBOXED);
    assert_eq!(fs::read_to_string(scene.file("inside")).unwrap(), "made inside\n");
}

/// A14: the same for the guest's root, and what is only for root.
#[test]
fn sandboxes_of_the_guests_root() {
    let scene = scene();
    let output = as_root(&scene, "sh ./sandboxes.sh && sh ./root.sh");
    let root = "tmpfs\nloop device\nbpf\nraw socket\ncontrol groups\nkernel settings\n";
    assert_printed(&output, &format!("{SANDBOXED}{root}"));
}

/// A15: `podman` without configuration and without privilege.
#[test]
fn podman_of_an_ordinary_caller() {
    let scene = scene();
    fs::write(scene.file("given"), "from the workspace\n").unwrap();
    let output = ordinary::run(&scene, NOBODYS, &[], "sh ./podman.sh");
    assert_printed(&output, CONTAINED);
}

/// A15: and as root.
#[test]
fn podman_of_the_guests_root() {
    let scene = scene();
    fs::write(scene.file("given"), "from the workspace\n").unwrap();
    assert_printed(&as_root(&scene, "sh ./podman.sh"), CONTAINED);
}
