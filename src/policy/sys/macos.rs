//! macOS.
//!
//! Directories are opened once, without following a link (`O_NOFOLLOW_ANY`), and used through that
//! descriptor. Paths are those that the system itself gives a file (`F_GETPATH`): as its names are
//! spelled, whatever letters were typed, and without the second path that a firmlink makes
//! (`/System/Volumes/Data/Users` is `/Users`).

mod account;

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Component, Path, PathBuf},
};

use rustix::fs::{self, CWD, Mode, OFlags};

pub use account::{group, user};

use super::Limits;
use crate::{
    policy::places::{self, Kept},
    sys::sysctl,
};

/// No component of the path may be a symbolic link.
/// (`O_NOFOLLOW_ANY`, which libc has as a number with a sign.)
const NOFOLLOW_ANY: OFlags = OFlags::from_bits_retain(0x2000_0000);

/// The path of a file as the system tells it.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    // What cannot be opened is not going to be shared; its text is good enough.
    Ok(open(&real, OFlags::empty()).and_then(told).unwrap_or(real))
}

fn told(file: OwnedFd) -> io::Result<PathBuf> {
    Ok(PathBuf::from(OsString::from_vec(fs::getpath(file)?.into_bytes())))
}

fn open(path: &Path, more: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | NOFOLLOW_ANY | more;
    Ok(fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Directories of the system, and of the user's own settings and keys.
pub fn kept(home: &Path) -> Vec<Kept> {
    places::of_macos(home)
}

/// Opens a directory by its real path. No component may be a symbolic link, so what is opened is
/// what this path named: a link that was put in between after the path was resolved makes this
/// fail.
pub fn open_directory(real: &Path) -> io::Result<OwnedFd> {
    open(real, OFlags::DIRECTORY)
}

/// Whether `below` (relative) names a directory inside `dir` without a link on the way.
pub fn is_directory_beneath(dir: &OwnedFd, below: &Path) -> bool {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | NOFOLLOW_ANY;
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    plain && fs::openat(dir, below, flags, Mode::empty()).is_ok()
}

/// Reads [`Limits`].
pub fn limits() -> Limits {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    // Where it is not told, no machine is refused for its size here.
    Limits { cpus, memory: sysctl::number(c"hw.memsize").unwrap_or(u64::MAX) }
}
