//! Bounds on what a guest can make the host hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::fs::sys::NODES_HOLD_DESCRIPTORS;

/// File descriptors that are left to the rest of the process.
const RESERVED: usize = 64;
/// Most nodes, whatever the process may open: about 256 MiB of this process, and about 1 KiB
/// each of the host kernel, which keeps the inodes.
const MAX_NODES: usize = 1 << 20;
/// Most open files and directories.
const MAX_HANDLES: usize = 1 << 16;
/// Most pairs of a file and a lock owner that hold locks (fcntl(2)) at once.
pub const MAX_LOCK_OWNERS: usize = 4096;
/// Largest read or write, in bytes.
pub const MAX_IO: u32 = 1 << 20;
/// Largest directory listing in one reply, in bytes.
pub const MAX_LISTING: u32 = 128 << 10;
/// Most bytes copied by one request: the device has one thread, and callers ask for the rest.
pub const MAX_COPY: u64 = 16 << 20;

/// What a guest may occupy. Each handle takes a file descriptor, and so does each node on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes that the guest knows.
    pub nodes: usize,
    /// Open files, open directories and lock owners.
    pub handles: usize,
}

impl Limits {
    /// Three quarters of what the process may still open for nodes, the rest for handles. As many
    /// nodes as there may be at all where few of them take a descriptor.
    #[must_use]
    pub fn from_process() -> Self {
        let usable = descriptors();
        let nodes = if NODES_HOLD_DESCRIPTORS { usable - usable / 4 } else { MAX_NODES };
        Self { nodes: nodes.clamp(1, MAX_NODES), handles: (usable / 4).clamp(1, MAX_HANDLES) }
    }
}

/// File descriptors that this process may open for the guest.
pub(in crate::fs) fn descriptors() -> usize {
    let open = getrlimit(Resource::Nofile).current;
    let open = open.map_or(usize::MAX, |open| usize::try_from(open).unwrap_or(usize::MAX));
    open.saturating_sub(RESERVED)
}

/// A number of permits.
#[derive(Debug, Clone)]
pub struct Budget {
    left: Arc<AtomicUsize>,
    reserve: usize,
}

/// The right to hold one thing; goes back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Budget {
    /// A budget of `count` permits.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(count)), reserve: count / 4 }
    }

    /// More than a quarter is left: enough to take one for what may not be needed.
    #[must_use]
    pub fn is_plentiful(&self) -> bool {
        self.left.load(Ordering::Relaxed) > self.reserve
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `ENFILE` when there is none left.
    pub fn take(&self) -> Result<Permit, Errno> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .map_err(|_| Errno::NFILE)?;
        Ok(Permit(Arc::clone(&self.left)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
