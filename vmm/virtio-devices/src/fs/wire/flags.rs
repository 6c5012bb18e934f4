//! Bits in requests and replies.

/// Features of `FUSE_INIT`.
#[expect(missing_docs, reason = "named as in the kernel's fuse.h")]
pub mod init {
    pub const ASYNC_READ: u64 = 1 << 0;
    pub const POSIX_LOCKS: u64 = 1 << 1;
    pub const ATOMIC_O_TRUNC: u64 = 1 << 3;
    pub const BIG_WRITES: u64 = 1 << 5;
    pub const FLOCK_LOCKS: u64 = 1 << 10;
    pub const AUTO_INVAL_DATA: u64 = 1 << 12;
    pub const DO_READDIRPLUS: u64 = 1 << 13;
    pub const READDIRPLUS_AUTO: u64 = 1 << 14;
    pub const ASYNC_DIO: u64 = 1 << 15;
    pub const PARALLEL_DIROPS: u64 = 1 << 18;
    pub const MAX_PAGES: u64 = 1 << 22;
    pub const CACHE_SYMLINKS: u64 = 1 << 23;
    pub const HANDLE_KILLPRIV_V2: u64 = 1 << 28;
    pub const INIT_EXT: u64 = 1 << 30;
}

/// `FATTR_…` of `FUSE_SETATTR`.
#[expect(missing_docs, reason = "named as in the kernel's fuse.h")]
pub mod setattr {
    pub const MODE: u32 = 1 << 0;
    pub const UID: u32 = 1 << 1;
    pub const GID: u32 = 1 << 2;
    pub const SIZE: u32 = 1 << 3;
    pub const ATIME: u32 = 1 << 4;
    pub const MTIME: u32 = 1 << 5;
    pub const FH: u32 = 1 << 6;
    pub const ATIME_NOW: u32 = 1 << 7;
    pub const MTIME_NOW: u32 = 1 << 8;
    pub const KILL_SUIDGID: u32 = 1 << 11;
}

/// `O_…` in `FUSE_OPEN`, `FUSE_CREATE` and `FUSE_WRITE`: those of a Linux guest, whatever the host.
///
/// Linux numbers four flags otherwise on arm than on x86: `O_DIRECT`, `O_LARGEFILE`, `O_DIRECTORY`
/// and `O_NOFOLLOW`. None of these is looked at, so that it does not matter which of the two the
/// guest is, nor which the host is; those below are the same on both (`asm-generic/fcntl.h`).
#[expect(missing_docs, reason = "named as in open(2)")]
pub mod open {
    /// The part that says whether to read or write; all of it is no way to open.
    pub const ACCMODE: u32 = 3;
    pub const WRONLY: u32 = 1;
    pub const RDWR: u32 = 2;
    pub const EXCL: u32 = 0o200;
    pub const TRUNC: u32 = 0o1000;
    pub const APPEND: u32 = 0o2000;
    pub const DSYNC: u32 = 0o10000;
    /// With [`DSYNC`]: all attributes, too.
    pub const SYNC: u32 = 0o4_000_000 | DSYNC;
}

/// `RENAME_…` in `FUSE_RENAME2`.
#[expect(missing_docs, reason = "named as in renameat2(2)")]
pub mod rename {
    pub const NOREPLACE: u32 = 1 << 0;
    pub const EXCHANGE: u32 = 1 << 1;
}

/// `XATTR_…` in `FUSE_SETXATTR`.
#[expect(missing_docs, reason = "named as in setxattr(2)")]
pub mod xattr {
    pub const CREATE: u32 = 1 << 0;
    pub const REPLACE: u32 = 1 << 1;
}

/// `FOPEN_…` of `FUSE_OPEN`'s reply.
pub mod open_reply {
    /// Keep cached pages of the file.
    pub const KEEP_CACHE: u32 = 1 << 1;
}

/// `FUSE_OPEN_KILL_SUIDGID`: an open that truncates clears the setuid and setgid bits.
pub const OPEN_KILL_SUIDGID: u32 = 1 << 0;
/// `FUSE_GETATTR_FH`: the handle is valid.
pub const GETATTR_FH: u32 = 1 << 0;
/// `FUSE_LK_FLOCK`: a lock of flock(2), not of fcntl(2).
pub const LK_FLOCK: u32 = 1 << 0;
/// `FUSE_WRITE_CACHE`: from the page cache, so at its offset even if the file appends.
pub const WRITE_CACHE: u32 = 1 << 0;
/// `FUSE_WRITE_KILL_SUIDGID`: clear the setuid and setgid bits.
pub const WRITE_KILL_SUIDGID: u32 = 1 << 2;
/// `FUSE_FSYNC_FDATASYNC`: data only.
pub const FSYNC_DATA: u32 = 1 << 0;
