//! Linux.
//!
//! Directories are opened once, without following a link, and used through that descriptor.

mod account;

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{self, CWD, Mode, OFlags, ResolveFlags};

pub use account::{group, user};

use super::Limits;
use crate::policy::places::Kept;

/// The path of a file, free of links.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Directories of the system that are not shared, beside those of the kernel: the guest's own
/// system has what is on those.
pub fn kept(_home: &Path) -> Vec<Kept> {
    Vec::new()
}

/// Opens a directory by its real path, as a bare reference (`O_PATH`). No component may be a
/// symbolic link, so what is opened is what this path named: a link that was put in between
/// after the path was resolved makes this fail.
pub fn open_directory(real: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(fs::openat2(CWD, real, flags, Mode::empty(), resolve)?)
}

/// Whether `below` (relative) names a directory inside `dir` without a link on the way.
pub fn is_directory_beneath(dir: &OwnedFd, below: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    fs::openat2(dir, below, flags, Mode::empty(), resolve).is_ok()
}

/// Reads [`Limits`].
pub fn limits() -> Limits {
    let info = rustix::system::sysinfo();
    let installed = info.totalram.saturating_mul(u64::from(info.mem_unit).max(1));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = group_limit().map_or(installed, |limit| limit.min(installed));
    Limits { cpus, memory }
}

/// The tightest `memory.max` from this process's control group up to the root (cgroup v2).
fn group_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = PathBuf::from("/sys/fs/cgroup");
    let groups = root.join(path);
    let ups = groups.ancestors().take_while(|dir| dir.starts_with(&root));
    ups.filter_map(|dir| std::fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse().ok())
        .min()
}
