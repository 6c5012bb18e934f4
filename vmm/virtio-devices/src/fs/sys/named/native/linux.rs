//! Linux in the place of macOS, for tests. Its volumes tell names apart by their bytes.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FallocateFlags, FileType, Mode, OFlags, chmodat, fallocate, fstatvfs, mknodat,
};
use rustix::io::Errno;

use crate::fs::name::Name;
use crate::fs::sys::{Stat, Time};
use crate::fs::wire::StatfsOut;

pub(in crate::fs) const LOCK_KINDS: [i16; 3] = [0, 1, 2];
pub(in super::super) const NOFOLLOW: OFlags = OFlags::NOFOLLOW;
pub(in super::super) const SEARCH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

pub(in crate::fs) fn linux_errno(error: Errno) -> i32 {
    error.raw_os_error()
}

pub(in super::super) fn bits(mode: Mode) -> u32 {
    mode.bits()
}

pub(in super::super) fn is_no_name(error: Errno) -> bool {
    error == Errno::ILSEQ
}

pub(in super::super) fn stored_otherwise(_folder: &OwnedFd, _name: Name<'_>) -> bool {
    false
}

pub(in super::super) fn plain(stat: &rustix::fs::Stat) -> Stat {
    let device = |number| (rustix::fs::major(number), rustix::fs::minor(number));
    let time = |sec, nsec| Time { sec, nsec: u32::try_from(nsec).unwrap_or_default() };
    Stat {
        device: device(stat.st_dev),
        ino: stat.st_ino,
        variant: 0,
        mode: stat.st_mode,
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: device(stat.st_rdev),
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        blocks: u64::try_from(stat.st_blocks).unwrap_or_default(),
        blksize: u32::try_from(stat.st_blksize).unwrap_or_default(),
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
        btime: Time::default(),
        mask: 0x7ff,
    }
}

pub(in super::super) fn space(file: &OwnedFd) -> Result<StatfsOut, Errno> {
    let stat = fstatvfs(file)?;
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

pub(in super::super) fn make_fifo(
    folder: &OwnedFd,
    name: Name<'_>,
    mode: Mode,
) -> Result<(), Errno> {
    mknodat(folder, name.as_c_str(), FileType::Fifo, mode, 0)
}

pub(in super::super) fn chmod(folder: &OwnedFd, name: &CStr, mode: Mode) -> Result<(), Errno> {
    chmodat(folder, name, mode, AtFlags::empty())
}

pub(in super::super) fn full_sync(file: &OwnedFd) -> Result<(), Errno> {
    rustix::fs::syncfs(file)
}

pub(in super::super) fn barrier(file: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fsync(file)
}

pub(in super::super) fn grow(file: &OwnedFd, end: i64, _more: i64) -> Result<(), Errno> {
    let end = u64::try_from(end).map_err(|_| Errno::FBIG)?;
    fallocate(file, FallocateFlags::KEEP_SIZE, 0, end)
}

pub(in super::super) fn punch_blocks(file: &OwnedFd, at: u64, length: u64) -> Result<(), Errno> {
    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, length)
}
