#![expect(unsafe_code, reason = "locks of open file descriptions have no safe wrapper")]
//! File locks that guest and host see of each other.
//!
//! A lock of fcntl(2) belongs to a process and a file, so each pair of a lock owner and a node
//! gets an open file of its own, and its locks are those of that open file (`F_OFD_SETLK`):
//! closing it gives them up. A lock of flock(2) belongs to an open file, and each handle is one.
//!
//! Nothing here waits: who has to, tries again. Locks in a read-only share are refused, since
//! they would hold up the host's own programs; the driver is not told of locks there, and keeps
//! them to itself.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::Passthrough;
use super::handles::Use;
use super::limits::{Budget, MAX_LOCK_OWNERS, Permit};
use crate::fs::sys::LOCK_KINDS;
use crate::fs::wire::{FileLock, LkIn, flags};

/// `F_RDLCK`, `F_WRLCK` and `F_UNLCK` as they travel: those of Linux on every architecture that
/// is supported.
pub const READ: u32 = 0;
/// A lock against all others.
pub const WRITE: u32 = 1;
/// No lock.
pub const NONE: u32 = 2;

/// Ends a lock that has no end.
const NO_END: u64 = i64::MAX.unsigned_abs();

struct Owner {
    file: OwnedFd,
    _permit: Permit,
}

/// Open files that hold locks, by node and owner.
pub struct Locks {
    owners: HashMap<(u64, u64), Owner>,
    budget: Budget,
}

impl Locks {
    /// No locks.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self { owners: HashMap::new(), budget }
    }

    /// Gives up the locks of an owner on a node.
    pub fn release(&mut self, node: u64, owner: u64) {
        self.owners.remove(&(node, owner));
    }

    /// Gives up all locks on a node.
    pub fn forget_node(&mut self, node: u64) {
        if !self.owners.is_empty() {
            self.owners.retain(|(held, _), _| *held != node);
        }
    }

    /// Gives up everything.
    pub fn clear(&mut self) {
        self.owners.clear();
    }
}

impl Passthrough {
    /// Which lock is in the way of the one asked about, if any.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another node; `EINVAL` for a range that is none.
    pub fn getlk(&mut self, id: u64, request: &LkIn) -> Result<FileLock, Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let mut lock = range(&request.lk)?;
        let file = self.handles.file(request.fh, id, Use::Any)?;
        let file = match self.locks.owners.get(&(id, request.owner)) {
            Some(owner) => &owner.file,
            None => &file.fd,
        };
        ofd(file, libc::F_OFD_GETLK, &mut lock)?;
        let kind = (READ..).zip(LOCK_KINDS).find(|(_, host)| *host == lock.l_type);
        let (kind, _) = kind.ok_or(Errno::IO)?;
        if kind == NONE {
            return Ok(FileLock { kind, ..request.lk });
        }
        let start = u64::try_from(lock.l_start).map_err(|_| Errno::IO)?;
        let length = u64::try_from(lock.l_len).map_err(|_| Errno::IO)?;
        Ok(FileLock {
            start,
            end: match length {
                0 => NO_END,
                length => start.saturating_add(length - 1),
            },
            kind,
            // Processes of the host have no number in the guest.
            pid: 0,
        })
    }

    /// Takes or gives up a lock, if that is possible at once.
    ///
    /// # Errors
    /// `EAGAIN` when another lock is in the way; the host's; `EBADF` for a handle of another
    /// node or not open as the lock needs; `ENOLCK` when too many hold locks.
    pub fn setlk(&mut self, id: u64, request: &LkIn) -> Result<(), Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        if request.lk_flags & flags::LK_FLOCK != 0 {
            let file = self.handles.file(request.fh, id, Use::Any)?;
            return flock(
                &file.fd,
                match request.lk.kind {
                    READ => FlockOperation::NonBlockingLockShared,
                    WRITE => FlockOperation::NonBlockingLockExclusive,
                    NONE => FlockOperation::NonBlockingUnlock,
                    _ => return Err(Errno::INVAL),
                },
            );
        }
        let mut lock = range(&request.lk)?;
        let wanted = match request.lk.kind {
            READ => Use::Read,
            WRITE => Use::Write,
            _ => Use::Any,
        };
        self.handles.file(request.fh, id, wanted)?;
        let key = (id, request.owner);
        if !self.locks.owners.contains_key(&key) {
            if request.lk.kind == NONE {
                return Ok(());
            }
            if self.locks.owners.len() >= MAX_LOCK_OWNERS {
                return Err(Errno::NOLCK);
            }
            let permit = self.locks.budget.take().map_err(|_| Errno::NOLCK)?;
            let file = self.to_lock(id, request)?;
            let owner = Owner { file, _permit: permit };
            self.locks.owners.insert(key, owner);
        }
        let owner = self.locks.owners.get(&key).ok_or(Errno::NOLCK)?;
        match ofd(&owner.file, libc::F_OFD_SETLK, &mut lock) {
            Err(Errno::ACCESS) => Err(Errno::AGAIN),
            other => other,
        }
    }

    /// Opens a file for its owner's locks: for reading and writing if it can be, since both
    /// kinds may follow, and otherwise as the first lock needs.
    fn to_lock(&self, id: u64, request: &LkIn) -> Result<OwnedFd, Errno> {
        let node = self.nodes.get(id)?;
        let least = match request.lk.kind {
            WRITE => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        match self.reopen(&node, OFlags::RDWR) {
            Err(Errno::ACCESS | Errno::ROFS | Errno::TXTBSY) => self.reopen(&node, least),
            other => other,
        }
    }
}

/// A lock as fcntl(2) has it.
fn range(lock: &FileLock) -> Result<libc::flock, Errno> {
    let kind = usize::try_from(lock.kind).ok().and_then(|kind| LOCK_KINDS.get(kind).copied());
    let kind = kind.ok_or(Errno::INVAL)?;
    let start = i64::try_from(lock.start).map_err(|_| Errno::INVAL)?;
    let length = match lock.end {
        NO_END => 0,
        end if end < NO_END && end >= lock.start => {
            i64::try_from(end - lock.start + 1).map_err(|_| Errno::INVAL)?
        }
        _ => return Err(Errno::INVAL),
    };
    // SAFETY: a C structure of integers; all zeroes are a value.
    let mut out: libc::flock = unsafe { std::mem::zeroed() };
    out.l_type = kind;
    // `SEEK_SET` is 0, and so has to be the process id for such locks.
    out.l_start = start;
    out.l_len = length;
    Ok(out)
}

fn ofd(file: &OwnedFd, command: libc::c_int, lock: &mut libc::flock) -> Result<(), Errno> {
    // SAFETY: `file` is open, and `lock` is what these commands read and write, for as long as
    // the call takes.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(lock)) };
    if result < 0 {
        let error = std::io::Error::last_os_error();
        return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    }
    Ok(())
}

#[cfg(test)]
#[path = "locks_test.rs"]
mod tests;
