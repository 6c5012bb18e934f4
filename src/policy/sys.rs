//! What policy asks of the operating system.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "macos")]
use macos as imp;

use std::{
    fs::File,
    io::{self, Error},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{self, Access, AtFlags, FileType, Mode, OFlags};

pub use imp::{is_directory_beneath, kept, limits, open_directory, real_path};

/// What this machine has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPUs this process may run on, at least 1.
    pub cpus: usize,
    /// Memory in bytes: what is installed, or the limit of this process's control group.
    pub memory: u64,
}

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name; the number where there is no entry.
    pub name: String,
    /// Name of the primary group; the number where there is no entry.
    pub group: String,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Home directory by the user database; `None` without an entry.
    pub home: Option<PathBuf>,
}

/// The account that this process acts as.
pub fn account() -> Account {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let (name, home) = imp::user(uid).unwrap_or_else(|| (uid.to_string(), None));
    Account { name, group: imp::group(gid).unwrap_or_else(|| gid.to_string()), uid, gid, home }
}

/// Whether `path` is the very directory that `dir` refers to, however it is reached.
pub fn same_directory(dir: &OwnedFd, path: &Path) -> bool {
    match (fs::fstat(dir), fs::stat(path)) {
        (Ok(a), Ok(b)) => a.st_dev == b.st_dev && a.st_ino == b.st_ino,
        _ => false,
    }
}

/// Fails unless the caller may list and enter the directory.
pub fn usable(dir: &OwnedFd) -> io::Result<()> {
    Ok(fs::accessat(dir, ".", Access::READ_OK | Access::EXEC_OK, AtFlags::EACCESS)?)
}

/// Opens a regular file directly in `dir`, without following a link or waiting for a pipe.
/// `None` if there is nothing of that name.
pub fn open_project_file(dir: impl AsFd, name: &str) -> io::Result<Option<File>> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let dir = dir.as_fd();
    // A device is not even opened: opening alone may have an effect.
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(e) => return Err(e.into()),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
            return Err(not_regular());
        }
        Ok(_) => {}
    }
    let file = fs::openat(dir, name, flags, Mode::empty())?;
    let stat = fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_regular());
    }
    Ok(Some(file.into()))
}

fn not_regular() -> Error {
    Error::new(io::ErrorKind::InvalidInput, "it is no regular file")
}

#[cfg(test)]
#[path = "sys_test.rs"]
mod tests;
