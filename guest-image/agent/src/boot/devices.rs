//! What udev would do to `/dev`, as far as programs need it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

/// Names that programs use for their own descriptors.
const LINKS: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

/// Devices without danger to anybody but the guest, which sandboxes and nested machines use.
const OPEN: [&str; 3] = ["/dev/fuse", "/dev/kvm", "/dev/net/tun"];

/// Makes the links, and the device file whose opening makes the kernel load `tun`.
pub fn complete() {
    for (link, target) in LINKS {
        let _ = symlink(target, link);
    }
    let _ = fs::create_dir("/dev/net");
    // Device numbers from the kernel's `Documentation/admin-guide/devices.txt`.
    let _ = mknodat(
        CWD,
        "/dev/net/tun",
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        makedev(10, 200),
    );
}

/// Lets everybody use the devices in [`OPEN`] that exist.
pub fn open_to_everybody() {
    for path in OPEN {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o666));
    }
}
