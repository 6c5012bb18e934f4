//! Space: how much there is, where a file has some, and moving it about.

use rustix::fs::{
    Access, AtFlags, FallocateFlags, OFlags, SeekFrom, accessat, fallocate, fstatvfs, seek,
};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::Passthrough;
use super::handles::Use;
use super::limits::MAX_COPY;
use crate::fs::wire::{AccessIn, CopyIn, FallocateIn, LseekIn, ROOT_ID, StatfsOut};

/// Ways to allocate that only touch the file itself.
const ALLOCATE: FallocateFlags = FallocateFlags::KEEP_SIZE
    .union(FallocateFlags::PUNCH_HOLE)
    .union(FallocateFlags::COLLAPSE_RANGE)
    .union(FallocateFlags::ZERO_RANGE)
    .union(FallocateFlags::INSERT_RANGE);

impl Passthrough {
    /// What the file system that a node is on has left.
    ///
    /// # Errors
    /// The host's.
    pub fn statfs(&mut self, id: u64) -> Result<StatfsOut, Errno> {
        let node = self.nodes.get(id)?;
        let stat = fstatvfs(&node.fd)?;
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(StatfsOut {
            blocks: stat.f_blocks,
            bfree: stat.f_bfree,
            bavail: stat.f_bavail,
            files: stat.f_files,
            ffree: stat.f_ffree,
            bsize: small(stat.f_bsize),
            namelen: small(stat.f_namemax),
            frsize: small(stat.f_frsize),
            ..StatfsOut::default()
        })
    }

    /// Brings the whole file system of the share to disk.
    ///
    /// # Errors
    /// The host's.
    pub fn syncfs(&mut self) -> Result<(), Errno> {
        let root = self.nodes.get(ROOT_ID)?;
        rustix::fs::syncfs(self.reopen(&root, OFlags::RDONLY | OFlags::DIRECTORY)?)
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
        accessat(&self.proc_self_fd, DecInt::from_fd(&node.fd), access, AtFlags::EACCESS)
    }

    /// Allocates or frees space in a file.
    ///
    /// # Errors
    /// The host's; `EOPNOTSUPP` for other ways; `EBADF` for a handle not open for writing.
    pub fn fallocate(&mut self, id: u64, request: &FallocateIn) -> Result<(), Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let mode = FallocateFlags::from_bits_retain(request.mode);
        if !ALLOCATE.contains(mode) {
            return Err(Errno::OPNOTSUPP);
        }
        let file = self.handles.file(request.fh, id, Use::Write)?;
        fallocate(&file.fd, mode, request.offset, request.length)
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
        let (mut from_at, mut to_at) = (request.off_in, request.off_out);
        let copied = rustix::fs::copy_file_range(
            &from.fd,
            Some(&mut from_at),
            &to.fd,
            Some(&mut to_at),
            count,
        )?;
        u32::try_from(copied).map_err(|_| Errno::IO)
    }
}

fn access_bits(mask: u32) -> Result<Access, Errno> {
    let known = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let access = Access::from_bits_retain(mask);
    if !known.contains(access) {
        return Err(Errno::INVAL);
    }
    Ok(access)
}

#[cfg(test)]
#[path = "space_test.rs"]
mod tests;
