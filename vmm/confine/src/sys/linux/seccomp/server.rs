//! A foreign program that serves on a Unix socket: files by path, code from libraries, threads.
//! What it may reach with these is up to the root and to landlock.
//!
//! It makes no process, connects to nothing, and neither sends nor receives descriptors
//! (`sendmsg` and `recvmsg` are not here). `execve` is allowed here and limited to one by
//! [`once`](super::once).

use libc::{
    AF_UNIX, F_ADD_SEALS, F_DUPFD, F_GET_SEALS, F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW,
    F_SETLK, F_SETLKW, PROT_EXEC, PROT_WRITE, SOCK_STREAM, SYS_accept, SYS_accept4, SYS_bind,
    SYS_chdir, SYS_close_range, SYS_copy_file_range, SYS_dup3, SYS_epoll_pwait2, SYS_execve,
    SYS_faccessat, SYS_faccessat2, SYS_fadvise64, SYS_fallocate, SYS_fchdir, SYS_fchmod,
    SYS_fchmodat, SYS_fcntl, SYS_fdatasync, SYS_flock, SYS_fstatfs, SYS_fsync, SYS_ftruncate,
    SYS_get_mempolicy, SYS_getcpu, SYS_getcwd, SYS_getdents64, SYS_getegid, SYS_geteuid,
    SYS_getgid, SYS_getpeername, SYS_getppid, SYS_getpriority, SYS_getrlimit, SYS_getrusage,
    SYS_getsockname, SYS_getsockopt, SYS_getuid, SYS_ioctl, SYS_listen, SYS_mbind, SYS_membarrier,
    SYS_memfd_create, SYS_mincore, SYS_mkdirat, SYS_mlock, SYS_mlock2, SYS_mmap, SYS_move_pages,
    SYS_mprotect, SYS_msync, SYS_munlock, SYS_newfstatat, SYS_openat, SYS_openat2, SYS_pipe2,
    SYS_prctl, SYS_preadv, SYS_preadv2, SYS_prlimit64, SYS_pselect6, SYS_pwrite64, SYS_pwritev,
    SYS_pwritev2, SYS_readahead, SYS_readlinkat, SYS_renameat, SYS_renameat2, SYS_rt_sigpending,
    SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_sched_get_priority_max, SYS_sched_get_priority_min,
    SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setaffinity, SYS_sched_setparam,
    SYS_sched_setscheduler, SYS_sendfile, SYS_set_mempolicy, SYS_set_tid_address, SYS_setpriority,
    SYS_setsockopt, SYS_socket, SYS_socketpair, SYS_statfs, SYS_statx, SYS_sysinfo,
    SYS_timerfd_gettime, SYS_times, SYS_umask, SYS_uname, SYS_unlinkat, SYS_utimensat,
};

use super::table::{Allow, Argument, any, command, int, masked, only, request};

/// Memory is writable or code, not both at once.
const WRITE_OR_EXECUTE: u32 = (PROT_WRITE | PROT_EXEC) as u32;
const NOT_BOTH: &[&[Argument]] = &[
    &[masked(2, WRITE_OR_EXECUTE, 0)],
    &[masked(2, WRITE_OR_EXECUTE, PROT_WRITE as u32)],
    &[masked(2, WRITE_OR_EXECUTE, PROT_EXEC as u32)],
];

/// Asks for a terminal's settings, which is how a program finds that it has none; also the
/// newer form.
const TCGETS: u64 = 0x5401;
const TCGETS2: u64 = 0x802c_542a;

/// What a server sets on its sockets: neither filters, which are programs for the kernel, nor
/// options of protocols that it does not have.
const OPTIONS: &[&[Argument]] = &[
    &option(libc::SO_REUSEADDR),
    &option(libc::SO_REUSEPORT),
    &option(libc::SO_KEEPALIVE),
    &option(libc::SO_LINGER),
    &option(libc::SO_SNDBUF),
    &option(libc::SO_RCVBUF),
    &option(libc::SO_RCVTIMEO),
    &option(libc::SO_SNDTIMEO),
];

#[expect(clippy::cast_sign_loss, reason = "names are small and positive")]
const fn option(name: i32) -> [Argument; 2] {
    [int(1, libc::SOL_SOCKET as u32), int(2, name as u32)]
}

/// Allowed beside what is common.
pub(super) const ALLOWED: &[Allow] = &[
    // Its start.
    any(SYS_execve),
    #[cfg(target_arch = "x86_64")]
    only(libc::SYS_arch_prctl, &[&[int(0, ARCH_SET_FS)], &[int(0, ARCH_CET_STATUS)]]),
    any(SYS_set_tid_address),
    // Memory, with code from libraries.
    only(SYS_mmap, NOT_BOTH),
    only(SYS_mprotect, NOT_BOTH),
    any(SYS_mlock),
    any(SYS_mlock2),
    any(SYS_munlock),
    any(SYS_msync),
    any(SYS_mincore),
    any(SYS_membarrier),
    any(SYS_memfd_create),
    any(SYS_mbind),
    any(SYS_get_mempolicy),
    any(SYS_set_mempolicy),
    only(SYS_move_pages, &[&[int(0, 0)]]),
    // Itself and its threads.
    only(
        SYS_prctl,
        &[
            &[int(0, libc::PR_GET_NAME as u32)],
            &[int(0, libc::PR_GET_DUMPABLE as u32)],
            &[int(0, libc::PR_GET_THP_DISABLE as u32)],
        ],
    ),
    any(SYS_getppid),
    any(SYS_getuid),
    any(SYS_geteuid),
    any(SYS_getgid),
    any(SYS_getegid),
    any(SYS_getcpu),
    any(SYS_getrusage),
    any(SYS_getrlimit),
    only(SYS_prlimit64, &[&[int(0, 0)]]),
    any(SYS_times),
    any(SYS_umask),
    any(SYS_getpriority),
    only(SYS_setpriority, &[&[int(0, 0), int(1, 0)]]),
    any(SYS_sched_getparam),
    any(SYS_sched_setparam),
    any(SYS_sched_getscheduler),
    any(SYS_sched_setscheduler),
    any(SYS_sched_setaffinity),
    any(SYS_sched_get_priority_max),
    any(SYS_sched_get_priority_min),
    any(SYS_rt_sigpending),
    any(SYS_rt_sigsuspend),
    any(SYS_rt_sigtimedwait),
    any(SYS_uname),
    any(SYS_sysinfo),
    // Files.
    any(SYS_openat),
    any(SYS_openat2),
    any(SYS_close_range),
    any(SYS_newfstatat),
    any(SYS_statx),
    any(SYS_statfs),
    any(SYS_fstatfs),
    any(SYS_faccessat),
    any(SYS_faccessat2),
    any(SYS_readlinkat),
    any(SYS_getdents64),
    any(SYS_getcwd),
    any(SYS_chdir),
    any(SYS_fchdir),
    any(SYS_preadv),
    any(SYS_preadv2),
    any(SYS_pwrite64),
    any(SYS_pwritev),
    any(SYS_pwritev2),
    any(SYS_readahead),
    any(SYS_fadvise64),
    any(SYS_sendfile),
    any(SYS_copy_file_range),
    any(SYS_ftruncate),
    any(SYS_fallocate),
    any(SYS_fsync),
    any(SYS_fdatasync),
    any(SYS_flock),
    any(SYS_fchmod),
    any(SYS_fchmodat),
    any(SYS_utimensat),
    any(SYS_mkdirat),
    any(SYS_renameat),
    any(SYS_renameat2),
    any(SYS_unlinkat),
    only(
        SYS_fcntl,
        &[
            &[command(F_DUPFD)],
            &[command(F_GETLK)],
            &[command(F_SETLK)],
            &[command(F_SETLKW)],
            &[command(F_OFD_GETLK)],
            &[command(F_OFD_SETLK)],
            &[command(F_OFD_SETLKW)],
            &[command(F_ADD_SEALS)],
            &[command(F_GET_SEALS)],
        ],
    ),
    only(SYS_ioctl, &[&[request(TCGETS)], &[request(TCGETS2)], &[request(libc::TIOCGWINSZ)]]),
    // Waiting.
    any(SYS_dup3),
    any(SYS_pipe2),
    any(SYS_pselect6),
    any(SYS_epoll_pwait2),
    any(SYS_timerfd_gettime),
    // Its socket.
    only(SYS_socket, &[&[int(0, AF_UNIX as u32), masked(1, super::KIND, SOCK_STREAM as u32)]]),
    only(SYS_socketpair, &[&[int(0, AF_UNIX as u32)]]),
    any(SYS_bind),
    any(SYS_listen),
    any(SYS_accept),
    any(SYS_accept4),
    any(SYS_getsockname),
    any(SYS_getpeername),
    any(SYS_getsockopt),
    only(SYS_setsockopt, OPTIONS),
];

/// Older forms of the same, which x86-64 still has.
#[cfg(target_arch = "x86_64")]
pub(super) const OLDER: &[Allow] = &[
    any(libc::SYS_open),
    any(libc::SYS_stat),
    any(libc::SYS_lstat),
    any(libc::SYS_access),
    any(libc::SYS_readlink),
    any(libc::SYS_mkdir),
    any(libc::SYS_rmdir),
    any(libc::SYS_rename),
    any(libc::SYS_unlink),
    any(libc::SYS_chmod),
    any(libc::SYS_dup2),
    any(libc::SYS_pipe),
    any(libc::SYS_select),
    any(libc::SYS_time),
    any(libc::SYS_gettimeofday),
    any(libc::SYS_eventfd),
    any(libc::SYS_epoll_create),
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLDER: &[Allow] = &[any(libc::SYS_gettimeofday)];

/// Refused of what is common: they carry descriptors, into the sandbox and out of it.
pub(super) const WITHOUT: &[libc::c_long] = &[libc::SYS_sendmsg, libc::SYS_recvmsg];

/// Allowed beside those for a program that has devices, whose drivers have requests of their own.
pub(super) const DEVICES: &[Allow] = &[any(SYS_ioctl)];

/// Sets the place of thread-local memory.
#[cfg(target_arch = "x86_64")]
const ARCH_SET_FS: u32 = 0x1002;
/// Asks for shadow stacks, in the form that came before the kernel's own.
#[cfg(target_arch = "x86_64")]
const ARCH_CET_STATUS: u32 = 0x3001;
