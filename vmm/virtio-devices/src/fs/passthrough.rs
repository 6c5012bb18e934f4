//! File operations on the shared directory.
//!
//! Rules that hold throughout:
//!
//! - A name is one component ([`Name`](super::name::Name)) and is only ever used beside the
//!   `O_PATH` descriptor of its directory, with links not followed. No path is ever put together.
//! - Only regular files and directories are opened, and only through a descriptor whose kind is
//!   known; FIFOs, sockets and device nodes are seen but never opened here.
//! - Everything is done as the user that this process runs as. The ids in requests mean nothing.
//! - Mounts inside the shared directory are part of it, as for any program that walks it: users
//!   mount caches into their trees, and a mount can only have been put there by the host.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags, openat};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::cache::CachePolicy;
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
    /// The shared directory, opened with `O_PATH | O_DIRECTORY`.
    pub root: OwnedFd,
    /// `/proc/self/fd`, opened with `O_PATH | O_DIRECTORY` by this very process.
    pub proc_self_fd: OwnedFd,
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
    proc_self_fd: OwnedFd,
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
        let stat = stat_fd(&share.root)?;
        if FileType::from_raw_mode(stat.stx_mode.into()) != FileType::Directory {
            return Err(Errno::NOTDIR);
        }
        let handles = Budget::new(share.limits.handles);
        Ok(Self {
            nodes: Nodes::new(share.root, &stat, Budget::new(share.limits.nodes)),
            locks: Locks::new(handles.clone()),
            handles: Handles::new(handles),
            policy: Policy::new(share.read_only),
            cache: share.cache,
            proc_self_fd: share.proc_self_fd,
            umask: share.umask,
            keeps_setuid: rustix::process::geteuid().is_root(),
            devices: vec![(stat.stx_dev_major, stat.stx_dev_minor)],
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

    /// Opens a node again, for reading or writing this time. The only place where this is done.
    fn reopen(&self, node: &Node, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        match node.kind {
            FileType::Directory => openat(&node.fd, c".", flags, Mode::empty()),
            // Without O_NONBLOCK a lease of another process could hold up the whole share.
            FileType::RegularFile => self.open_magic(&node.fd, flags | OFlags::NONBLOCK),
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    /// Opens what `fd` refers to, through its link in `/proc`, which cannot lead elsewhere.
    fn open_magic(&self, fd: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&self.proc_self_fd, DecInt::from_fd(fd), flags, Mode::empty())
    }
}

/// Everything that replies need of a file, in one system call.
fn wanted_attributes() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID
}

/// Attributes of an open file or directory, or of an `O_PATH` descriptor.
fn stat_fd(fd: &OwnedFd) -> Result<Statx, Errno> {
    rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, wanted_attributes())
}
