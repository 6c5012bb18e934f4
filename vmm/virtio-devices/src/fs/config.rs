//! What a virtio-fs device is made of.

use std::io;
use std::os::fd::OwnedFd;

use super::cache::CachePolicy;
use super::passthrough::limits::Limits;
use super::passthrough::{Passthrough, Share};
use super::server::Server;
use super::sys::Host;

/// Longest tag, in bytes (virtio 1.3, 5.11.4).
pub const MAX_TAG: usize = 36;

/// What a virtio-fs device is made of.
#[derive(Debug)]
pub struct FsConfig {
    /// The name under which the guest mounts it; 1 to [`MAX_TAG`] bytes.
    pub tag: String,
    /// The shared directory, opened with `O_DIRECTORY`, on Linux with `O_PATH`.
    pub root: OwnedFd,
    /// The host as this process sees it; [`Host::here`].
    pub host: Host,
    /// Nothing may change, whatever the guest says.
    pub read_only: bool,
    /// What the guest may believe for how long.
    pub cache: CachePolicy,
    /// What the guest may occupy; from the process's limits if `None`.
    pub limits: Option<Limits>,
    /// The process's file mode creation mask; the system is asked if `None`, which a confined
    /// process may not be answered.
    pub umask: Option<u32>,
    /// File locks hold between guest and host, as long as the share is not read-only. A process
    /// of the guest that waits for one cannot be interrupted, since the Linux virtio-fs driver
    /// never passes interruptions on. Without, the guest's locks hold within the guest only.
    pub share_locks: bool,
}

impl FsConfig {
    /// A writable share of `root` with the default cache policy and shared locks. On Linux a
    /// `host` is also had from a descriptor of `/proc/self/fd`.
    #[must_use]
    pub fn new(tag: impl Into<String>, root: OwnedFd, host: impl Into<Host>) -> Self {
        Self {
            tag: tag.into(),
            root,
            host: host.into(),
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
            None => self.host.umask()?,
        };
        let passthrough = Passthrough::new(Share {
            root: self.root,
            host: self.host,
            read_only: self.read_only,
            cache: self.cache,
            limits: self.limits.unwrap_or_else(Limits::from_process),
            umask,
        })?;
        Ok(Server::new(passthrough, self.share_locks))
    }
}
