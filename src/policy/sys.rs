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
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

pub use imp::{
    is_directory_beneath, kept, limits, open_directory, open_project_file, real_path, usable,
};

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
    match (rustix::fs::fstat(dir), rustix::fs::stat(path)) {
        (Ok(a), Ok(b)) => a.st_dev == b.st_dev && a.st_ino == b.st_ino,
        _ => false,
    }
}

#[cfg(test)]
#[path = "sys_test.rs"]
mod tests;
