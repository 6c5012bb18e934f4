//! Guests that misbehave: status 125, what the console said last, nothing left.

use std::fs;

use e2e::{
    Scene, assert_refused,
    image::{image_with_kernel, tiny_kernel},
    lossy,
};

/// A guest that panics while the command runs. The image's own kernel can be asked to.
#[test]
fn panic_in_the_guest() {
    let scene = Scene::new();
    let script = "echo c > /proc/sysrq-trigger; sleep 60";
    let output = scene
        .qvm()
        .args(["--kernel", "image", "--guest-root", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_refused(&output, &["panicked", "sysrq"]);
}

/// A guest that reboots or powers off before its command has ended.
#[test]
fn reboot_in_the_guest() {
    let scene = Scene::new();
    // `RB_AUTOBOOT` and `RB_POWER_OFF`.
    for command in ["0x01234567", "0x4321fedc"] {
        let script =
            format!("import ctypes, time; ctypes.CDLL(None).reboot({command}); time.sleep(60)");
        let output =
            scene.qvm().args(["--guest-root", "--", "python3", "-c", &script]).output().unwrap();
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

/// Files that pass for the kernel of a sound image: noise, a program, a kernel that hangs and
/// one that dies at once. The wait is bounded.
#[test]
fn wrong_kernel() {
    let scene = Scene::new();
    let noise: Vec<u8> =
        (0..100_000u32).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    let program = fs::read("/bin/true").unwrap();
    // A halt without an end; an invalid instruction with nobody to handle it.
    let (hangs, dies) = (tiny_kernel(&[0xf4, 0xeb, 0xfd]), tiny_kernel(&[0x0f, 0x0b]));
    for (kernel, wait, words) in [
        (noise, "60", ["kernel", ""]),
        (program, "60", ["kernel", ""]),
        (hangs, "5", ["did not come up within 5 seconds", "qvm doctor"]),
        (dies, "60", ["before the command ended", "--show-boot"]),
    ] {
        let image = scene.top.path().join("image");
        image_with_kernel(&image, &kernel);
        let mut qvm = scene.qvm();
        qvm.env("QVM_BOOT_TIMEOUT", wait)
            .arg("--image")
            .arg(&image)
            .args(["--kernel", "image", "--", "true"]);
        assert_refused(&qvm.output().unwrap(), &words);
    }
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

/// Every queue is kept busy at once by root of the guest: the shares' with names and data, vsock
/// with connections, the disk, entropy, the balloon's reports and the console. The command ends well.
#[test]
fn every_queue_flood() {
    let scene = Scene::new();
    let script = r#"
import os, socket, sys, time, mmap
end = time.monotonic() + 4
def fs(n):
    name = f"flood{os.getpid()}"
    with open(name, "w") as f: f.write("x" * 5000)
    os.rename(name, name + "b"); os.stat("."); os.listdir("."); os.unlink(name + "b")
def vsock(n):
    s = socket.socket(socket.AF_VSOCK); s.settimeout(5)
    try:
        s.connect((2, 1024 if n % 2 else 7))
        s.send(os.urandom(3000))
    except OSError: pass
    s.close()
def disk(n):
    fd = os.open("/dev/vda", os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, 1 << 20); os.preadv(fd, [buffer], (n % 64) << 20); os.close(fd)
def entropy(n):
    fd = os.open("/dev/hwrng", os.O_RDONLY); os.read(fd, 4096); os.close(fd)
def balloon(n):
    m = mmap.mmap(-1, 64 << 20)
    for at in range(0, 64 << 20, 4096): m[at] = 1
    m.close()
def console(n):
    with open("/dev/kmsg", "w") as f: f.write("<0>flood flood flood flood")
kinds = [fs, fs, vsock, vsock, disk, entropy, balloon, console]
pids = []
while not os.path.exists("/dev/hwrng") and time.monotonic() < end + 60: time.sleep(0.1)
end = time.monotonic() + 4
for kind in kinds:
    pid = os.fork()
    if pid == 0:
        n = 0
        try:
            while n < 2 or time.monotonic() < end: kind(n); n += 1
        except BaseException as e: print(kind.__name__, repr(e), flush=True); os._exit(1)
        os._exit(0)
    pids.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])
"#;
    let output =
        scene.qvm().args(["--guest-root", "--", "python3", "-c", script]).output().unwrap();
    let stderr = lossy(&output.stderr);
    assert_eq!(lossy(&output.stdout), "[0, 0, 0, 0, 0, 0, 0, 0]\n", "{stderr}");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(fs::read_dir(&scene.workspace).unwrap().count(), 0);
}
