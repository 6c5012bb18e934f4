//! The root, and what is refused when it or another layer cannot be had.

use std::process::{Command, ExitCode, Output};

use confine::probe;

use crate::{
    Test,
    launcher::{REFUSED, UNCONFINED},
    world::World,
};

pub fn tests() -> Vec<Test> {
    let test = |name: &str, test: fn(&World)| -> Test { (format!("root::{name}"), Box::new(test)) };
    vec![
        test("every_layer_is_reported", report),
        test("no_namespaces_no_server", |world| {
            fails(world, "no-namespaces", &["every layer", "user namespace"]);
        }),
        test("no_landlock_no_server", |world| {
            fails(world, "no-landlock", &["every layer", "landlock"]);
        }),
        test("no_listener_no_server", |world| {
            fails(world, "no-filters", &["asking to execute once"]);
        }),
        test("an_entry_is_what_it_says", |world| {
            fails(world, "folder-as-program", &["/wrong", "no regular file"]);
            fails(world, "file-as-device", &["/wrong", "no character device"]);
            fails(world, "file-as-cache", &["/wrong", "no folder"]);
            fails(world, "device-as-file", &["/wrong", "neither file nor folder"]);
        }),
        test("an_entry_has_a_place", |world| {
            fails(world, "relative", &["wrong", "no absolute path"]);
            fails(world, "upwards", &["/models/../wrong", "no absolute path"]);
            fails(world, "through-a-link", &["/link/wrong"]);
            fails(world, "in-the-weights", &["/models/weights.gguf/wrong"]);
        }),
        test("a_replaced_file_is_noticed", replaced),
        test("nothing_is_mounted_outside", nested),
        test("a_container_shows_no_processes", container),
        test("what_is_not_granted_is_not_executed", |world| {
            fails(world, "no-program", &["/bin/nothing", "No such file"]);
            fails(world, "library", &["/lib/libc.so.6", "Permission denied"]);
            fails(world, "weights", &["/models/weights.gguf", "Permission denied"]);
        }),
    ]
}

/// Runs the launcher for `case`.
pub fn launch(world: &World, case: &str) -> Output {
    let folder = world.path().display().to_string();
    world.command(&["launch", case, &folder]).output().unwrap()
}

fn fails(world: &World, case: &str, words: &[&str]) {
    let output = launch(world, case);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(UNCONFINED.into()), "{case}: {said}");
    for word in words {
        assert!(said.contains(word), "{case}: {said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

fn report(world: &World) {
    let output = launch(world, "report");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{said} {output:?}");
    for layer in ["user namespace", "namespaces", "root", "identity", "landlock", "limits"] {
        let line = said.lines().find(|line| line.trim_start().starts_with(layer));
        assert!(line.is_some_and(|line| !line.contains("missing: r")), "{layer}: {said}");
    }
    assert!(said.contains("mount, net, ipc, uts, cgroup, pid"), "{said}");
    assert!(probe().landlock.is_missing() || said.contains("landlock        version"), "{said}");
}

/// Between the caller's look and the sandbox, another file takes the place of one. What was
/// opened is mounted if it can be had, as it can by root, and nothing else ever.
fn replaced(world: &World) {
    let output = launch(world, "moved");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{said}");
    let output = launch(world, "replaced");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(REFUSED.into()) {
        assert_eq!(output.status.code(), Some(UNCONFINED.into()), "{said}");
        assert!(said.contains("/mine could not be put into the root"), "{said}");
    }
    assert!(world.is_root() || said.contains("its path leads to another file now"), "{said}");
}

/// A part inside of another is mounted there in the sandbox only, also where the host's mounts
/// pass on what is mounted in them.
fn nested(world: &World) {
    let output = launch(world, "nested");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{said}");
    assert_eq!(std::fs::read(world.path().join("host/inner")).unwrap(), b"");
    if !world.is_root() {
        println!("skipped: nothing_is_mounted_outside with shared mounts: needs root");
        return;
    }
    with_mounts(world, "shared");
}

/// Where part of /proc is hidden, the kernel makes none that would show it. The server does without.
fn container(world: &World) {
    if world.is_root() {
        with_mounts(world, "hidden");
    } else {
        println!("skipped: a_container_shows_no_processes: needs root");
    }
}

fn with_mounts(world: &World, how: &str) {
    let folder = world.path().display().to_string();
    let output = world.command(&["mounts", how, &folder]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{said}");
}

/// `HOW FOLDER`: runs the launcher in a mount namespace where mounts are shared, or hide part of
/// /proc, and compares the mounts before and after.
pub fn mounts(arguments: &[String]) -> ExitCode {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    let [how, folder] = arguments else { panic!("{arguments:?}") };
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0);
    mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
    let case = if how == "shared" {
        mount_change(c"/", MountPropagationFlags::SHARED | MountPropagationFlags::REC).unwrap();
        "nested"
    } else {
        mount(c"none", c"/proc/sys", c"tmpfs", MountFlags::empty(), None).unwrap();
        "report"
    };
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(["launch", case, folder]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(before.contains("shared:"), how == "shared");
    assert_eq!(mounts(), before);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.contains("missing: /proc"), how == "hidden", "{said}");
    REFUSED.into()
}
