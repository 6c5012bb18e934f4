//! What the share asks of the host's file system, one implementation for each system.
//!
//! A [`Host`] does everything that names a file; a `Held` is what is kept of each file that the
//! guest knows. Flags, modes and errors are the host's here: requests are translated before, and
//! replies after.
//!
//! - Linux: a node is an `O_PATH` descriptor, and is opened again through `/proc/self/fd`.
//! - macOS: a directory is a descriptor; any other file is its directory and its name, checked to
//!   be the same file each time. The feature `named-nodes` builds this on Linux instead, so that
//!   its tests run where there is no Mac.

use std::ffi::CStr;

use rustix::fs::FileType;

#[cfg(all(target_os = "linux", not(feature = "named-nodes")))]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(any(not(target_os = "linux"), feature = "named-nodes"))]
#[path = "sys/named.rs"]
mod imp;

pub use imp::Host;
pub(super) use imp::{Held, LOCK_KINDS, Listing, NODES_HOLD_DESCRIPTORS, linux_errno, now};

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Major and minor number of its device.
    pub device: (u32, u32),
    /// Its inode number.
    pub ino: u64,
    /// What else makes it this file: on Linux its mount, on macOS the number's generation.
    pub variant: u64,
    /// Kind and permissions, as in `st_mode`: the same bits on all systems.
    pub mode: u32,
    /// Names.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Major and minor number of the device that it is.
    pub rdev: (u32, u32),
    /// Bytes.
    pub size: u64,
    /// Units of 512 bytes that it occupies.
    pub blocks: u64,
    /// Bytes that are best moved at once.
    pub blksize: u32,
    /// Last access.
    pub atime: Time,
    /// Last change of its contents.
    pub mtime: Time,
    /// Last change of anything.
    pub ctime: Time,
    /// When it was made; zero where that is not known.
    pub btime: Time,
    /// Which of these are known, as in `stx_mask`.
    pub mask: u32,
}

impl Stat {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(raw_mode(self.mode))
    }
}

/// Seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in struct timespec")]
pub struct Time {
    pub sec: i64,
    pub nsec: u32,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    /// As it is stored.
    pub name: &'a CStr,
    /// The number that the directory has for it.
    pub ino: u64,
    /// Its kind, where the file system says.
    pub kind: FileType,
    /// Where to go on after it.
    pub next: u64,
}

/// The mode as the host's calls take it, which have 16 bits for it on some.
pub(super) fn raw_mode(mode: u32) -> rustix::fs::RawMode {
    // Kind and permissions have 16 bits everywhere.
    rustix::fs::RawMode::try_from(mode & 0xffff).unwrap_or_default()
}
