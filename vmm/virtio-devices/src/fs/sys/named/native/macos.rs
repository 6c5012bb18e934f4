#![expect(unsafe_code, reason = "calls and commands without a safe wrapper")]
//! What macOS has of its own.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, fstatfs};
use rustix::io::Errno;

use crate::fs::errno;
use crate::fs::name::Name;
use crate::fs::spelling::{differs_in_case, has_case, name_in_answer};
use crate::fs::sys::{Stat, Time};
use crate::fs::wire::StatfsOut;

/// Locks for reading, for writing, and none, in `struct flock`.
pub(in crate::fs) const LOCK_KINDS: [i16; 3] = [libc::F_RDLCK, libc::F_WRLCK, libc::F_UNLCK];

/// `O_NOFOLLOW_ANY`: no link is followed, wherever in a path it is.
pub(in super::super) const NOFOLLOW: OFlags = OFlags::from_bits_retain(libc::O_NOFOLLOW_ANY as u32);
/// `O_SEARCH`: a directory to name files in, without reading it.
pub(in super::super) const SEARCH: OFlags = OFlags::from_bits_retain(libc::O_SEARCH as u32);

/// What the file system tells of a file: kind, mode, names, owner, times, number, size, blocks,
/// birth (`STATX_BASIC_STATS | STATX_BTIME`).
const KNOWN: u32 = 0xfff;

/// Linux's number of an error.
pub(in crate::fs) fn linux_errno(error: Errno) -> i32 {
    errno::linux_of_macos(error.raw_os_error())
}

/// The bits of a mode.
pub(in super::super) fn bits(mode: Mode) -> u32 {
    mode.bits().into()
}

/// Whether a volume says that a name is none, as it is no UTF-8.
pub(in super::super) fn is_no_name(error: Errno) -> bool {
    error == Errno::ILSEQ
}

/// Room for the answer: its length, the reference, and a name of 255 characters of up to three
/// bytes.
const ROOM: usize = 12 + 3 * 255 + 1;

/// Whether a name that means something is stored in another case. Where the volume does not tell,
/// it is taken to be stored as it was asked for.
pub(in super::super) fn stored_otherwise(folder: &OwnedFd, name: Name<'_>) -> bool {
    let asked = name.as_c_str();
    if !has_case(asked.to_bytes()) {
        return false;
    }
    let mut list = libc::attrlist {
        bitmapcount: libc::ATTR_BIT_MAP_COUNT,
        reserved: 0,
        commonattr: libc::ATTR_CMN_NAME,
        volattr: 0,
        dirattr: 0,
        fileattr: 0,
        forkattr: 0,
    };
    let mut answer = [0_u8; ROOM];
    // SAFETY: the descriptor is open, the name ends in zero, and the two buffers are as long as is
    // said and outlive the call.
    let result = unsafe {
        libc::getattrlistat(
            folder.as_raw_fd(),
            asked.as_ptr(),
            (&raw mut list).cast(),
            answer.as_mut_ptr().cast(),
            answer.len(),
            libc::FSOPT_NOFOLLOW.into(),
        )
    };
    result == 0
        && name_in_answer(&answer).is_some_and(|stored| differs_in_case(asked.to_bytes(), stored))
}

/// What fstat(2) tells.
pub(in super::super) fn plain(stat: &rustix::fs::Stat) -> Stat {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    let time = |sec, nsec: i64| Time { sec, nsec: u32::try_from(nsec).unwrap_or_default() };
    Stat {
        device: device(stat.st_dev),
        ino: stat.st_ino,
        variant: stat.st_gen.into(),
        mode: stat.st_mode.into(),
        nlink: stat.st_nlink.into(),
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: device(stat.st_rdev),
        size: unsigned(stat.st_size),
        blocks: unsigned(stat.st_blocks),
        blksize: u32::try_from(stat.st_blksize).unwrap_or_default(),
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
        btime: time(stat.st_birthtime, stat.st_birthtime_nsec),
        mask: KNOWN,
    }
}

/// Major and minor number: 8 bits and 24.
fn device(number: i32) -> (u32, u32) {
    let number = u32::from_ne_bytes(number.to_ne_bytes());
    (number >> 24, number & 0x00ff_ffff)
}

/// What the file system of an open file has left.
pub(in super::super) fn space(file: &OwnedFd) -> Result<StatfsOut, Errno> {
    let stat = fstatfs(file)?;
    Ok(StatfsOut {
        blocks: stat.f_blocks,
        bfree: stat.f_bfree,
        bavail: stat.f_bavail,
        files: stat.f_files,
        ffree: stat.f_ffree,
        bsize: stat.f_bsize,
        namelen: 255,
        frsize: stat.f_bsize,
        ..StatfsOut::default()
    })
}

/// Makes a FIFO.
pub(in super::super) fn make_fifo(
    folder: &OwnedFd,
    name: Name<'_>,
    mode: Mode,
) -> Result<(), Errno> {
    let (folder, name) = (folder.as_raw_fd(), name.as_c_str().as_ptr());
    // SAFETY: the descriptor is open, and the name ends in zero.
    match unsafe { libc::mkfifoat(folder, name, mode.bits()) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Sets permissions of what is no link.
pub(in super::super) fn chmod(folder: &OwnedFd, name: &CStr, mode: Mode) -> Result<(), Errno> {
    chmodat(folder, name, mode, AtFlags::SYMLINK_NOFOLLOW)
}

/// Has the drive write out everything.
pub(in super::super) fn full_sync(file: &OwnedFd) -> Result<(), Errno> {
    rustix::fs::fcntl_fullfsync(file)
}

/// Everything written to `file` before is on the medium before anything written later.
pub(in super::super) fn barrier(file: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the descriptor is open, and the command takes no argument.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_BARRIERFSYNC) } {
        -1 => match last_errno() {
            // Not each file system has barriers.
            Errno::NOTSUP | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY => {
                rustix::fs::fsync(file)
            }
            error => Err(error),
        },
        _ => Ok(()),
    }
}

/// Allocates `more` bytes behind what a file has, so that its space reaches to `_end`.
pub(in super::super) fn grow(file: &OwnedFd, _end: i64, more: i64) -> Result<(), Errno> {
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: more,
        fst_bytesalloc: 0,
    };
    // SAFETY: the descriptor is open, and the structure is the command's and outlives the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PREALLOCATE, &raw mut store) } {
        -1 => Err(last_errno()),
        _ => Ok(()),
    }
}

/// Frees whole blocks of a file.
pub(in super::super) fn punch_blocks(file: &OwnedFd, at: u64, length: u64) -> Result<(), Errno> {
    let mut blocks = libc::fpunchhole_t {
        fp_flags: 0,
        reserved: 0,
        fp_offset: i64::try_from(at).map_err(|_| Errno::FBIG)?,
        fp_length: i64::try_from(length).map_err(|_| Errno::FBIG)?,
    };
    // SAFETY: the descriptor is open, and the structure is the command's and outlives the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_PUNCHHOLE, &raw mut blocks) } {
        -1 => Err(match last_errno() {
            Errno::NOTTY | Errno::NOTSUP | Errno::INVAL => Errno::OPNOTSUPP,
            error => error,
        }),
        _ => Ok(()),
    }
}

/// The error of the call before.
fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
