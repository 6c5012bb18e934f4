//! File operations on the shared directory.
//!
//! Rules that hold throughout:
//!
//! - A name is one component ([`Name`](super::name::Name)) and is only ever used beside the
//!   descriptor of its directory, with links not followed. No path is ever put together.
//! - Only regular files and directories are opened, and what was opened is known to be that very
//!   file ([`sys`](super::sys)); FIFOs, sockets and device nodes are seen but never opened here.
//! - Everything is done as the user that this process runs as. The ids in requests mean nothing.
//! - Mounts inside the shared directory are part of it, as for any program that walks it: users
//!   mount caches into their trees, and a mount can only have been put there by the host.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::cache::CachePolicy;
use super::sys::Host;
use handles::Handles;
use limits::{Budget, Limits};
use locks::Locks;
use nodes::{Node, Nodes};
use policy::Policy;

mod attr;
mod create;
pub mod dir;
pub mod handles;
mod io;
pub mod limits;
pub mod locks;
mod lookup;
mod names;
pub mod nodes;
mod open;
pub mod policy;
mod space;
pub mod xattr;

/// What a [`Passthrough`] works on.
#[derive(Debug)]
pub struct Share {
    /// The shared directory, opened with `O_DIRECTORY`, on Linux with `O_PATH`.
    pub root: OwnedFd,
    /// The host as this process sees it.
    pub host: Host,
    /// Nothing may change.
    pub read_only: bool,
    /// What the guest may believe for how long.
    pub cache: CachePolicy,
    /// What the guest may occupy.
    pub limits: Limits,
    /// The process's file mode creation mask.
    pub umask: u32,
}

/// The shared directory with everything that the guest knows and has open in it.
pub struct Passthrough {
    nodes: Nodes,
    handles: Handles,
    locks: Locks,
    policy: Policy,
    cache: CachePolicy,
    host: Host,
    umask: u32,
    /// The kernel lets this process keep setuid bits of files it writes to.
    keeps_setuid: bool,
    /// Devices seen so far; the position goes into inode numbers.
    devices: Vec<(u32, u32)>,
    /// For directory entries as the kernel gives them.
    listing: Vec<u8>,
}

impl Passthrough {
    /// Starts with nothing known but the root.
    ///
    /// # Errors
    /// The root cannot be looked at, or is no directory.
    pub fn new(share: Share) -> Result<Self, Errno> {
        let (root, stat) = share.host.root(share.root)?;
        if stat.kind() != FileType::Directory {
            return Err(Errno::NOTDIR);
        }
        let handles = Budget::new(share.limits.handles);
        Ok(Self {
            nodes: Nodes::new(root, &stat, Budget::new(share.limits.nodes)),
            locks: Locks::new(handles.clone()),
            handles: Handles::new(handles),
            policy: Policy::new(share.read_only),
            cache: share.cache.on(&share.host),
            host: share.host,
            umask: share.umask,
            keeps_setuid: rustix::process::geteuid().is_root(),
            devices: vec![stat.device],
            listing: Vec::new(),
        })
    }

    /// Whether nothing may change.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.policy.read_only()
    }

    /// Forgets and closes everything, as when the guest unmounts.
    pub fn clear(&mut self) {
        self.locks.clear();
        self.handles.clear();
        self.nodes.clear();
    }

    /// Number of nodes that the guest knows, the root among them.
    #[must_use]
    pub fn known(&self) -> usize {
        self.nodes.len()
    }

    /// The directory `id`.
    fn directory(&self, id: u64) -> Result<Arc<Node>, Errno> {
        let node = self.nodes.get(id)?;
        match node.kind {
            FileType::Directory => Ok(node),
            _ => Err(Errno::NOTDIR),
        }
    }

    /// Opens a node again, for reading or writing this time.
    fn reopen(&self, node: &Node, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.host.reopen(&node.held, node.kind, flags)
    }
}
