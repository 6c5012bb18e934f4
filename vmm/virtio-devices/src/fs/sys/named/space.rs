//! Space and durability.
//!
//! fsync(2) of macOS hands data to the drive and lets the drive keep it. `F_FULLFSYNC` has the
//! drive write out all that it holds, for everybody, which takes tens of milliseconds, in which
//! the share's one thread does nothing else. `F_BARRIERFSYNC` is what is used for the guest's
//! fsync and fdatasync: what was written before is on the medium before anything that is written
//! later. So no crash of guest, qvm or macOS loses anything, and after a power cut a file or a
//! database is as at some barrier; the last moments may be missing, as with most programs of a
//! Mac. `syncfs` is rare and does it in full.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{fstat, ftruncate};
use rustix::io::{Errno, pread, pwrite};

use super::{Held, Host, native};
use crate::fs::hole::hole;
use crate::fs::wire::StatfsOut;

/// `FALLOC_FL_KEEP_SIZE` and `FALLOC_FL_PUNCH_HOLE` of Linux.
const KEEP_SIZE: u32 = 1;
const PUNCH_HOLE: u32 = 2;
/// Bytes copied at once.
const PIECE: usize = 256 << 10;

impl Host {
    /// What the file system that a node is on has left.
    pub(in crate::fs) fn statfs(&self, node: &Held) -> Result<StatfsOut, Errno> {
        match node {
            Held::Folder(folder) => native::space(&folder.fd),
            Held::Named(named) => native::space(&named.place().folder.fd),
        }
    }

    /// Brings the whole file system of a directory to disk.
    pub(in crate::fs) fn sync_volume(&self, dir: &Held) -> Result<(), Errno> {
        rustix::fs::sync();
        native::full_sync(&dir.folder()?.fd)
    }

    /// Brings an open file to disk; there is nothing to be saved by bringing its data only.
    pub(in crate::fs) fn sync(&self, file: &OwnedFd, _data_only: bool) -> Result<(), Errno> {
        native::barrier(file.as_fd())
    }

    /// Allocates space for a file, growing it if need be, or makes a hole in it; `mode` as in
    /// fallocate(2) of Linux.
    pub(in crate::fs) fn allocate(
        &self,
        file: &OwnedFd,
        mode: u32,
        offset: u64,
        length: u64,
    ) -> Result<(), Errno> {
        let end = offset.checked_add(length).and_then(|end| i64::try_from(end).ok());
        let end = end.ok_or(Errno::FBIG)?;
        if length == 0 {
            return Err(Errno::INVAL);
        }
        match mode {
            0 | KEEP_SIZE => {
                let stat = fstat(file)?;
                let more = end.saturating_sub(stat.st_blocks.saturating_mul(512));
                if more > 0 {
                    native::grow(file, end, more)?;
                }
                if mode == 0 && end > stat.st_size {
                    ftruncate(file, u64::try_from(end).map_err(|_| Errno::FBIG)?)?;
                }
                Ok(())
            }
            // A hole never makes a file longer.
            3 if mode == KEEP_SIZE | PUNCH_HOLE => punch(file, offset, length),
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    /// Copies bytes from one open file to another; returns how many. A clone would be quicker, but
    /// only makes new files, and here both are open already.
    pub(in crate::fs) fn copy(
        &self,
        (from, from_at): (&OwnedFd, u64),
        (to, to_at): (&OwnedFd, u64),
        count: usize,
    ) -> Result<usize, Errno> {
        let mut piece = vec![0; PIECE.min(count)];
        let mut done = 0;
        while done < count {
            let step = u64::try_from(done).map_err(|_| Errno::INVAL)?;
            let place = |at: u64| at.checked_add(step).ok_or(Errno::INVAL);
            let room = piece.get_mut(..PIECE.min(count - done)).unwrap_or_default();
            let moved = pread(from, &mut *room, place(from_at)?).and_then(|read| {
                let bytes = room.get(..read).unwrap_or_default();
                if bytes.is_empty() { Ok(0) } else { pwrite(to, bytes, place(to_at)?) }
            });
            match moved {
                Ok(0) => break,
                Ok(moved) => done += moved,
                Err(Errno::INTR) => {}
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

/// Frees whole blocks of a range and overwrites the rest of it, as far as the file goes.
fn punch(file: &OwnedFd, offset: u64, length: u64) -> Result<(), Errno> {
    let size = u64::try_from(fstat(file)?.st_size).unwrap_or_default();
    let length = length.min(size.saturating_sub(offset));
    let block = u64::from(native::space(file)?.bsize);
    let Some(hole) = hole(offset, length, block) else {
        return Ok(());
    };
    for (at, length) in [hole.before, hole.behind] {
        zero(file, at, length)?;
    }
    let (at, length) = hole.blocks;
    if length == 0 {
        return Ok(());
    }
    native::punch_blocks(file, at, length)
}

/// Overwrites less than two blocks.
fn zero(file: &OwnedFd, offset: u64, length: u64) -> Result<(), Errno> {
    let zeroes = [0; 4096];
    let mut done = 0;
    while done < length {
        let step = usize::try_from(length - done).unwrap_or(usize::MAX).min(zeroes.len());
        let written = pwrite(file, zeroes.get(..step).unwrap_or_default(), offset + done)?;
        done += u64::try_from(written.max(1)).unwrap_or(1);
    }
    Ok(())
}
