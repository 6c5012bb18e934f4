//! What a virtio-fs device is made of.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::cache::CachePolicy;
use super::passthrough::limits::Limits;
use super::passthrough::{Passthrough, Share};
use super::server::Server;

/// Longest tag, in bytes (virtio 1.3, 5.11.4).
pub const MAX_TAG: usize = 36;

/// What a virtio-fs device is made of.
#[derive(Debug)]
pub struct FsConfig {
    /// The name under which the guest mounts it; 1 to [`MAX_TAG`] bytes.
    pub tag: String,
    /// The shared directory, opened with `O_PATH | O_DIRECTORY`.
    pub root: OwnedFd,
    /// The process's own descriptors; [`open_proc_self_fd`].
    pub proc_self_fd: OwnedFd,
    /// Nothing may change, whatever the guest says.
    pub read_only: bool,
    /// What the guest may believe for how long.
    pub cache: CachePolicy,
    /// What the guest may occupy; from the process's limits if `None`.
    pub limits: Option<Limits>,
    /// The process's file mode creation mask; `/proc` is asked if `None`, which a confined
    /// process does not see.
    pub umask: Option<u32>,
    /// File locks hold between guest and host, as long as the share is not read-only. A process
    /// of the guest that waits for one cannot be interrupted, since the Linux virtio-fs driver
    /// never passes interruptions on. Without, the guest's locks hold within the guest only.
    pub share_locks: bool,
}

impl FsConfig {
    /// A writable share of `root` with the default cache policy and shared locks.
    #[must_use]
    pub fn new(tag: impl Into<String>, root: OwnedFd, proc_self_fd: OwnedFd) -> Self {
        Self {
            tag: tag.into(),
            root,
            proc_self_fd,
            read_only: false,
            cache: CachePolicy::default(),
            limits: None,
            umask: None,
            share_locks: true,
        }
    }

    pub(super) fn into_server(self) -> io::Result<Server> {
        let umask = match self.umask {
            Some(mask) => mask,
            None => umask(&self.proc_self_fd)?,
        };
        let passthrough = Passthrough::new(Share {
            root: self.root,
            proc_self_fd: self.proc_self_fd,
            read_only: self.read_only,
            cache: self.cache,
            limits: self.limits.unwrap_or_else(Limits::from_process),
            umask,
        })?;
        Ok(Server::new(passthrough, self.share_locks))
    }
}

/// Opens the directory of this process's descriptors, through which they are opened again. Has
/// to be done by the process that the device runs in, as long as it sees `/proc`.
///
/// # Errors
/// There is no `/proc`.
pub fn open_proc_self_fd() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, c"/proc/self/fd", flags, Mode::empty())?)
}

/// The process's file mode creation mask. Read, since asking umask(2) would change it for a
/// moment, under the eyes of other threads.
fn umask(proc_self_fd: &OwnedFd) -> io::Result<u32> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let status = openat(proc_self_fd, c"../status", flags, Mode::empty())?;
    let status = io::read_to_string(std::fs::File::from(status))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
        .ok_or_else(|| io::Error::other("/proc/self/status does not say which umask is set"))
}
