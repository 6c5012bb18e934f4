//! Space: how much there is, where a file has some, and moving it about.

use rustix::fs::{Access, SeekFrom, seek};
use rustix::io::Errno;

use super::Passthrough;
use super::handles::Use;
use super::limits::MAX_COPY;
use crate::fs::wire::{AccessIn, CopyIn, FallocateIn, LseekIn, ROOT_ID, StatfsOut};

impl Passthrough {
    /// What the file system that a node is on has left.
    ///
    /// # Errors
    /// The host's.
    pub fn statfs(&mut self, id: u64) -> Result<StatfsOut, Errno> {
        let node = self.nodes.get(id)?;
        self.host.statfs(&node.held)
    }

    /// Brings the whole file system of the share to disk.
    ///
    /// # Errors
    /// The host's.
    pub fn syncfs(&mut self) -> Result<(), Errno> {
        let root = self.nodes.get(ROOT_ID)?;
        self.host.sync_volume(&root.held)
    }

    /// Whether this process may do something with a node.
    ///
    /// # Errors
    /// `EACCES`; `EROFS` for writing in a read-only share; `EINVAL` for other questions.
    pub fn access(&mut self, id: u64, request: &AccessIn) -> Result<(), Errno> {
        let access = access_bits(request.mask)?;
        if self.read_only() && access.contains(Access::WRITE_OK) {
            return Err(Errno::ROFS);
        }
        let node = self.nodes.get(id)?;
        self.host.access(&node.held, access)
    }

    /// Allocates or frees space in a file.
    ///
    /// # Errors
    /// The host's; `EOPNOTSUPP` for other ways; `EBADF` for a handle not open for writing.
    pub fn fallocate(&mut self, id: u64, request: &FallocateIn) -> Result<(), Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let file = self.handles.file(request.fh, id, Use::Write)?;
        self.host.allocate(&file.fd, request.mode, request.offset, request.length)
    }

    /// Finds the next data or the next hole.
    ///
    /// # Errors
    /// The host's; `EINVAL` for other ways of seeking, which the guest's kernel does itself.
    pub fn lseek(&mut self, id: u64, request: &LseekIn) -> Result<u64, Errno> {
        let file = self.handles.file(request.fh, id, Use::Any)?;
        let to = match request.whence {
            3 => SeekFrom::Data(request.offset),
            4 => SeekFrom::Hole(request.offset),
            _ => return Err(Errno::INVAL),
        };
        seek(&file.fd, to)
    }

    /// Copies within the host; returns the number of bytes copied, at most [`MAX_COPY`].
    ///
    /// # Errors
    /// The host's; `EBADF` for handles of other nodes, or not open as needed.
    pub fn copy(&mut self, id: u64, request: &CopyIn) -> Result<u32, Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        if request.flags != 0 {
            return Err(Errno::INVAL);
        }
        let from = self.handles.file(request.fh_in, id, Use::Read)?;
        let to = self.handles.file(request.fh_out, request.nodeid_out, Use::Write)?;
        let count = usize::try_from(request.len.min(MAX_COPY)).map_err(|_| Errno::INVAL)?;
        let copied =
            self.host.copy((&from.fd, request.off_in), (&to.fd, request.off_out), count)?;
        u32::try_from(copied).map_err(|_| Errno::IO)
    }
}

fn access_bits(mask: u32) -> Result<Access, Errno> {
    if mask > 7 {
        return Err(Errno::INVAL);
    }
    let mut access = Access::empty();
    for (bit, right) in [(4, Access::READ_OK), (2, Access::WRITE_OK), (1, Access::EXEC_OK)] {
        access.set(right, mask & bit != 0);
    }
    Ok(access)
}

#[cfg(test)]
#[path = "space_test.rs"]
mod tests;
