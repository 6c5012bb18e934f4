//! Space and durability on Linux.

use std::os::fd::OwnedFd;

use rustix::fs::{FallocateFlags, OFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use super::{Held, Host};
use crate::fs::wire::StatfsOut;

/// Ways to allocate that only touch the file itself.
const ALLOCATE: FallocateFlags = FallocateFlags::KEEP_SIZE
    .union(FallocateFlags::PUNCH_HOLE)
    .union(FallocateFlags::COLLAPSE_RANGE)
    .union(FallocateFlags::ZERO_RANGE)
    .union(FallocateFlags::INSERT_RANGE);

impl Host {
    /// What the file system that a node is on has left.
    pub(in crate::fs) fn statfs(&self, node: &Held) -> Result<StatfsOut, Errno> {
        let stat = fstatvfs(&node.0)?;
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

    /// Brings the whole file system of a directory to disk.
    pub(in crate::fs) fn sync_volume(&self, dir: &Held) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        rustix::fs::syncfs(self.reopen(dir, rustix::fs::FileType::Directory, flags)?)
    }

    /// Brings an open file to disk, or only what is needed to read its contents again.
    pub(in crate::fs) fn sync(&self, file: &OwnedFd, data_only: bool) -> Result<(), Errno> {
        if data_only { rustix::fs::fdatasync(file) } else { rustix::fs::fsync(file) }
    }

    /// Allocates or frees space in a file; `mode` as in fallocate(2).
    pub(in crate::fs) fn allocate(
        &self,
        file: &OwnedFd,
        mode: u32,
        offset: u64,
        length: u64,
    ) -> Result<(), Errno> {
        let mode = FallocateFlags::from_bits_retain(mode);
        if !ALLOCATE.contains(mode) {
            return Err(Errno::OPNOTSUPP);
        }
        fallocate(file, mode, offset, length)
    }

    /// Copies bytes from one open file to another; returns how many.
    pub(in crate::fs) fn copy(
        &self,
        (from, mut from_at): (&OwnedFd, u64),
        (to, mut to_at): (&OwnedFd, u64),
        count: usize,
    ) -> Result<usize, Errno> {
        rustix::fs::copy_file_range(from, Some(&mut from_at), to, Some(&mut to_at), count)
    }
}
