//! The server of a folder. The only role that opens files.

use libc::{
    F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW, S_IFIFO, S_IFMT, S_IFREG,
    S_IFSOCK, SYS_copy_file_range, SYS_faccessat2, SYS_fallocate, SYS_fchmod, SYS_fchmodat,
    SYS_fchown, SYS_fchownat, SYS_fcntl, SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock,
    SYS_fremovexattr, SYS_fsetxattr, SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_getdents64,
    SYS_linkat, SYS_mkdirat, SYS_mknodat, SYS_newfstatat, SYS_openat, SYS_openat2, SYS_preadv,
    SYS_preadv2, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_readlinkat, SYS_renameat,
    SYS_renameat2, SYS_statx, SYS_symlinkat, SYS_syncfs, SYS_unlinkat, SYS_utimensat,
};

use super::table::{Allow, any, command, masked, only};

/// `fchmodat2`, newer than some C libraries.
const SYS_FCHMODAT2: libc::c_long = 452;

/// Allowed beside what is common.
pub(super) const ALLOWED: &[Allow] = &[
    // Finding and opening.
    any(SYS_openat),
    any(SYS_openat2),
    any(SYS_newfstatat),
    any(SYS_statx),
    any(SYS_fstatfs),
    any(SYS_faccessat2),
    any(SYS_readlinkat),
    any(SYS_getdents64),
    // Contents.
    any(SYS_preadv),
    any(SYS_preadv2),
    any(SYS_pwrite64),
    any(SYS_pwritev),
    any(SYS_pwritev2),
    any(SYS_copy_file_range),
    any(SYS_ftruncate),
    any(SYS_fallocate),
    any(SYS_fsync),
    any(SYS_fdatasync),
    any(SYS_syncfs),
    // Attributes.
    any(SYS_fchmod),
    any(SYS_fchmodat),
    any(SYS_FCHMODAT2),
    any(SYS_fchown),
    any(SYS_fchownat),
    any(SYS_utimensat),
    any(SYS_fgetxattr),
    any(SYS_fsetxattr),
    any(SYS_flistxattr),
    any(SYS_fremovexattr),
    // Names. A node that is made is a regular file, a FIFO or a socket, and no device; what
    // is no regular file is never opened here.
    any(SYS_mkdirat),
    only(
        SYS_mknodat,
        &[
            &[masked(2, S_IFMT, S_IFREG)],
            &[masked(2, S_IFMT, S_IFIFO)],
            &[masked(2, S_IFMT, S_IFSOCK)],
        ],
    ),
    any(SYS_linkat),
    any(SYS_symlinkat),
    any(SYS_renameat),
    any(SYS_renameat2),
    any(SYS_unlinkat),
    // Locks.
    any(SYS_flock),
    only(
        SYS_fcntl,
        &[
            &[command(F_GETLK)],
            &[command(F_SETLK)],
            &[command(F_SETLKW)],
            &[command(F_OFD_GETLK)],
            &[command(F_OFD_SETLK)],
            &[command(F_OFD_SETLKW)],
        ],
    ),
];
