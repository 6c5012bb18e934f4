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

/// Devices whose opening makes the kernel load their drivers: path, rights, and minor number from
/// the kernel's `Documentation/admin-guide/devices.txt`, where they are "miscellaneous" ones.
const ON_DEMAND: [(&str, u32, u32); 2] =
    [("/dev/net/tun", 0o666, 200), ("/dev/loop-control", 0o600, 237)];

/// Makes the links, and the devices in [`ON_DEMAND`].
pub fn complete() {
    for (link, target) in LINKS {
        let _ = symlink(target, link);
    }
    let _ = fs::create_dir("/dev/net");
    for (path, mode, minor) in ON_DEMAND {
        // One that the kernel has made already stays.
        let kind = FileType::CharacterDevice;
        let _ = mknodat(CWD, path, kind, Mode::from_raw_mode(mode), makedev(10, minor));
    }
}

/// Lets everybody use the devices in [`OPEN`] that exist.
pub fn open_to_everybody() {
    for path in OPEN {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o666));
    }
}
