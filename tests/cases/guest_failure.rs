//! Guests that misbehave: status 125, what the console said last, nothing left.

use e2e::{Scene, assert_refused, lossy};

/// A guest that panics while the command runs.
#[test]
fn panic_in_the_guest() {
    let scene = Scene::new();
    let output = scene
        .qvm()
        .args(["--guest-root", "--", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 60"])
        .output()
        .unwrap();
    assert_refused(&output, &["panicked", "sysrq"]);
}

/// A guest that reboots or powers off before its command has ended.
#[test]
fn reboot_in_the_guest() {
    let scene = Scene::new();
    for key in ["b", "o"] {
        let script = format!("echo {key} > /proc/sysrq-trigger; sleep 60");
        let output =
            scene.qvm().args(["--guest-root", "--", "sh", "-c", &script]).output().unwrap();
        assert_refused(&output, &["before the command ended"]);
    }
}

/// A guest that never answers: the wait is bounded and the console's end is shown.
#[test]
fn a_guest_that_never_answers() {
    let scene = Scene::new();
    let output = scene.qvm().env("QVM_BOOT_TIMEOUT", "0").args(["--", "true"]).output().unwrap();
    assert_refused(&output, &["did not come up within 0 seconds", "qvm doctor"]);
}

/// A guest that floods its console does not fill memory, and its command still ends well.
#[test]
fn console_flood() {
    let scene = Scene::new();
    let output = scene
        .qvm()
        .args(["--guest-root", "--", "sh", "-c"])
        .arg("(while :; do echo '<0>flood flood flood flood flood flood' > /dev/kmsg; done) & sleep 2; echo done")
        .output()
        .unwrap();
    assert_eq!(lossy(&output.stdout), "done\n", "{}", lossy(&output.stderr));
}

/// A fork bomb and memory eaters cost the guest, not the host.
#[test]
fn the_guest_exhausts_itself() {
    let scene = Scene::new();
    let output = scene
        .qvm()
        .args(["--timeout", "60", "--", "python3", "-c"])
        .arg("x=[]\ntry:\n  while True: x.append(bytearray(1<<24))\nexcept MemoryError: pass")
        .output()
        .unwrap();
    // The guest's kernel kills it, or Python gives up; qvm reports what happened to the command.
    assert!(
        matches!(output.status.code(), Some(0 | 124 | 137)),
        "{:?} {}",
        output.status,
        lossy(&output.stderr)
    );
}
