//! The file systems every Linux program expects.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

/// Where the kernel lists FUSE file systems that are in use.
pub const FUSE_CONTROL: &str = "/sys/fs/fuse/connections";

/// Where the cgroup hierarchy is.
pub const CGROUP: &str = "/sys/fs/cgroup";

/// A mount failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot mount {what} on {target}")]
pub struct MountError {
    /// File system type or source.
    pub what: String,
    /// Mount point.
    pub target: String,
    /// What the kernel says.
    #[source]
    pub source: io::Error,
}

/// One line of the table of mounts.
struct Mount {
    kind: &'static str,
    target: &'static str,
    flags: MountFlags,
    data: &'static CStr,
    /// Whether a guest without it is of no use.
    needed: bool,
}

/// No device files, no set-user-id.
const PLAIN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// And no programs.
const KERNEL: MountFlags = PLAIN.union(MountFlags::NOEXEC);

/// In mount order. `/tmp` is memory of its own, so that overlay mounts and sockets work there as
/// anywhere; its limit is half the memory, and that of the root three quarters (see `root`).
const TABLE: [Mount; 11] = [
    Mount { kind: "proc", target: "/proc", flags: KERNEL, data: c"", needed: true },
    Mount { kind: "sysfs", target: "/sys", flags: KERNEL, data: c"", needed: true },
    Mount {
        kind: "devtmpfs",
        target: "/dev",
        flags: MountFlags::NOSUID,
        data: c"mode=755",
        needed: true,
    },
    Mount {
        kind: "devpts",
        target: "/dev/pts",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        data: c"gid=5,mode=620,ptmxmode=666",
        needed: true,
    },
    Mount { kind: "tmpfs", target: "/dev/shm", flags: PLAIN, data: c"mode=1777", needed: true },
    Mount { kind: "mqueue", target: "/dev/mqueue", flags: KERNEL, data: c"", needed: false },
    Mount { kind: "tmpfs", target: "/run", flags: PLAIN, data: c"mode=755", needed: true },
    Mount { kind: "tmpfs", target: "/tmp", flags: PLAIN, data: c"mode=1777", needed: true },
    Mount {
        kind: "cgroup2",
        target: CGROUP,
        flags: KERNEL,
        data: c"nsdelegate,memory_recursiveprot",
        needed: false,
    },
    Mount { kind: "fusectl", target: FUSE_CONTROL, flags: KERNEL, data: c"", needed: false },
    Mount {
        kind: "securityfs",
        target: "/sys/kernel/security",
        flags: KERNEL,
        data: c"",
        needed: false,
    },
];

/// Before the root: `/dev`, and something behind the first three descriptors, which the kernel
/// leaves closed where there is no console.
///
/// # Errors
/// When `/dev` cannot be mounted.
pub fn early() -> Result<(), MountError> {
    make_folder("/dev");
    let dev = Mount {
        kind: "devtmpfs",
        target: "/dev",
        flags: MountFlags::NOSUID,
        data: c"mode=755",
        needed: true,
    };
    perform(&dev)?;
    if let Ok(null) = fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        // Input from a console would compete with the host's commands, so it is not kept.
        let _ =
            dup2_stdin(&null).and_then(|()| dup2_stdout(&null)).and_then(|()| dup2_stderr(&null));
    }
    Ok(())
}

/// In the root: everything in [`TABLE`].
///
/// # Errors
/// When one that is needed fails.
pub fn all() -> Result<(), MountError> {
    // As on other Linux systems: what is mounted later reaches the name spaces made earlier,
    // and so does what is unmounted.
    let _ = mount_change("/", MountPropagationFlags::SHARED | MountPropagationFlags::REC);
    for line in &TABLE {
        if let Err(error) = perform(line) {
            if line.needed {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Mounts one line, making the mount point where it is missing.
fn perform(line: &Mount) -> Result<(), MountError> {
    let attempt = || mount(line.kind, line.target, line.kind, line.flags, line.data);
    attempt()
        .or_else(|_| {
            make_folder(line.target);
            attempt()
        })
        .map_err(|errno| MountError {
            what: line.kind.into(),
            target: line.target.into(),
            source: errno.into(),
        })
}

/// Makes an empty folder that everybody may enter; that it exists already is no error.
fn make_folder(path: &str) {
    // If it cannot be made, the mount fails and says so.
    let _ = fs::DirBuilder::new().mode(0o755).create(path);
}
