//! Linux: nodes are `O_PATH` descriptors.
//!
//! A descriptor means the same file whatever happens to names. What calls want by name is named
//! through the process's own descriptors in `/proc`, whose links cannot lead elsewhere.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, StatxTimestamp, openat,
    openat2, statx,
};
use rustix::io::Errno;
use rustix::path::DecInt;
use rustix::time::{ClockId, clock_gettime};

use super::{Stat, Time};
use crate::fs::name::Name;

#[path = "linux/change.rs"]
mod change;
#[path = "linux/list.rs"]
mod list;
#[path = "linux/space.rs"]
mod space;

pub(in crate::fs) use list::Listing;

/// Whether each node takes a descriptor.
pub(in crate::fs) const NODES_HOLD_DESCRIPTORS: bool = true;

/// Locks for reading, for writing, and none, in `struct flock`.
pub(in crate::fs) const LOCK_KINDS: [i16; 3] = [0, 1, 2];

/// Nothing outside the directory, no links of any kind.
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The number of an error, which guest and host share.
pub(in crate::fs) fn linux_errno(error: Errno) -> i32 {
    error.raw_os_error()
}

/// Seconds since 1970, as files get them.
pub(in crate::fs) fn now() -> i64 {
    clock_gettime(ClockId::RealtimeCoarse).tv_sec
}

/// What is needed to work with files: `/proc/self/fd`, opened with `O_PATH | O_DIRECTORY` by the
/// very process that uses it.
#[derive(Debug)]
pub struct Host {
    proc_self_fd: OwnedFd,
}

impl From<OwnedFd> for Host {
    fn from(proc_self_fd: OwnedFd) -> Self {
        Self { proc_self_fd }
    }
}

/// What is kept of a file that the guest knows: a descriptor opened with `O_PATH`, for `*at` calls
/// and to be reopened, never to be read or written.
#[derive(Debug)]
pub(in crate::fs) struct Held(OwnedFd);

impl Host {
    /// The host as this process sees it. Has to be asked for by the process that the device runs
    /// in, as long as it sees `/proc`.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn here() -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { proc_self_fd: openat(CWD, c"/proc/self/fd", flags, Mode::empty())? })
    }

    /// Opens a directory as the root of a share.
    ///
    /// # Errors
    /// It is none, or not to be had.
    pub fn open_root(path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(CWD, path, flags, Mode::empty())?)
    }

    /// The process's file mode creation mask. Read, since asking umask(2) would change it for a
    /// moment, under the eyes of other threads.
    pub(in crate::fs) fn umask(&self) -> io::Result<u32> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let status = openat(&self.proc_self_fd, c"../status", flags, Mode::empty())?;
        let status = io::read_to_string(std::fs::File::from(status))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("Umask:"))
            .and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
            .ok_or_else(|| io::Error::other("/proc/self/status does not say which umask is set"))
    }

    /// Whether two spellings of a name may mean one file.
    pub(in crate::fs) fn folds_names(&self) -> bool {
        false
    }

    /// Whether a node has to be told when the guest moves it ([`Host::met`]).
    pub(in crate::fs) fn follows_names(&self) -> bool {
        false
    }

    /// What flags open a file for reading without changing it. Only its owner may ask for that.
    pub(in crate::fs) const QUIET: OFlags = OFlags::NOATIME;

    /// Keeps the share's root, opened with `O_PATH | O_DIRECTORY`.
    pub(in crate::fs) fn root(&self, root: OwnedFd) -> Result<(Held, Stat), Errno> {
        let stat = stat_fd(&root)?;
        Ok((Held(root), stat))
    }

    /// What a node is like now.
    pub(in crate::fs) fn stat(&self, node: &Held) -> Result<Stat, Errno> {
        stat_fd(&node.0)
    }

    /// What an open file is like now.
    pub(in crate::fs) fn stat_open(&self, file: &OwnedFd) -> Result<Stat, Errno> {
        stat_fd(file)
    }

    /// What a name means, without keeping it.
    pub(in crate::fs) fn find(&self, dir: &Held, name: Name<'_>) -> Result<Stat, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        statx(&dir.0, name.as_c_str(), flags, wanted()).map(|stat| plain(&stat))
    }

    /// Keeps what a name means.
    pub(in crate::fs) fn hold(&self, dir: &Held, name: Name<'_>) -> Result<(Held, Stat), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat2(&dir.0, name.as_c_str(), flags, Mode::empty(), RESOLVE)?;
        let stat = stat_fd(&fd)?;
        Ok((Held(fd), stat))
    }

    /// Keeps a file that was just made and opened. It is found through its descriptor: its name
    /// may mean something else by now.
    pub(in crate::fs) fn hold_made(
        &self,
        file: &OwnedFd,
        _place: Option<(&Held, Name<'_>)>,
    ) -> Result<(Held, Stat), Errno> {
        let path = self.open_magic(file, OFlags::PATH | OFlags::CLOEXEC)?;
        let stat = stat_fd(&path)?;
        Ok((Held(path), stat))
    }

    /// The guest met a node under this name. Its descriptor knows better.
    pub(in crate::fs) fn met(&self, _node: &Held, _dir: &Held, _name: Name<'_>) {}

    /// Opens a node again, for reading or writing this time. The only place where this is done.
    pub(in crate::fs) fn reopen(
        &self,
        node: &Held,
        kind: FileType,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        match kind {
            FileType::Directory => openat(&node.0, c".", flags, Mode::empty()),
            // Without O_NONBLOCK a lease of another process could hold up the whole share.
            FileType::RegularFile => self.open_magic(&node.0, flags | OFlags::NONBLOCK),
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    /// Opens what `fd` refers to, through its link in `/proc`, which cannot lead elsewhere.
    fn open_magic(&self, fd: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat(&self.proc_self_fd, DecInt::from_fd(fd), flags, Mode::empty())
    }
}

/// Everything that replies need of a file, in one system call.
fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID
}

/// Attributes of an open file or directory, or of an `O_PATH` descriptor.
fn stat_fd(fd: impl AsFd) -> Result<Stat, Errno> {
    statx(fd, c"", AtFlags::EMPTY_PATH, wanted()).map(|stat| plain(&stat))
}

fn plain(stat: &Statx) -> Stat {
    Stat {
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        ino: stat.stx_ino,
        // One file may be writable through one mount and not through another.
        variant: stat.stx_mnt_id,
        mode: stat.stx_mode.into(),
        nlink: stat.stx_nlink,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        rdev: (stat.stx_rdev_major, stat.stx_rdev_minor),
        size: stat.stx_size,
        blocks: stat.stx_blocks,
        blksize: stat.stx_blksize,
        atime: time(&stat.stx_atime),
        mtime: time(&stat.stx_mtime),
        ctime: time(&stat.stx_ctime),
        btime: time(&stat.stx_btime),
        mask: stat.stx_mask,
    }
}

fn time(stamp: &StatxTimestamp) -> Time {
    Time { sec: stamp.tv_sec, nsec: stamp.tv_nsec }
}

#[cfg(test)]
#[path = "linux_test.rs"]
mod tests;
