//! What every Rust process needs: memory, threads, waiting, and work with descriptors it has.
//! None of these opens, connects, executes or names anything outside the process.

use libc::{
    CLONE_CHILD_CLEARTID, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SETTLS, CLONE_SIGHAND,
    CLONE_SYSVSEM, CLONE_THREAD, CLONE_VM, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL,
    PROT_EXEC, SYS_brk, SYS_clock_getres, SYS_clock_gettime, SYS_clock_nanosleep, SYS_clone,
    SYS_clone3, SYS_close, SYS_dup, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_eventfd2, SYS_exit, SYS_exit_group, SYS_fcntl, SYS_fstat, SYS_futex, SYS_getpid,
    SYS_getrandom, SYS_gettid, SYS_lseek, SYS_madvise, SYS_mmap, SYS_mprotect, SYS_mremap,
    SYS_munmap, SYS_nanosleep, SYS_ppoll, SYS_prctl, SYS_pread64, SYS_read, SYS_readv,
    SYS_recvfrom, SYS_recvmsg, SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_sched_getaffinity, SYS_sched_yield, SYS_sendmsg, SYS_sendto,
    SYS_set_robust_list, SYS_shutdown, SYS_sigaltstack, SYS_statx, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_write, SYS_writev,
};

use super::table::{Allow, any, command, int, long, only, request, with, without};

/// The flags with which glibc makes a thread.
const GLIBC_THREAD: u64 = (CLONE_VM
    | CLONE_FS
    | CLONE_FILES
    | CLONE_SIGHAND
    | CLONE_THREAD
    | CLONE_SYSVSEM
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_CLEARTID) as u64;

/// musl adds `CLONE_DETACHED`, which the kernel ignores.
const MUSL_THREAD: u64 = GLIBC_THREAD | 0x0040_0000;

/// `PR_SET_VMA`, with which the C library names memory for /proc.
const PR_SET_VMA: u32 = 0x5356_4d41;

/// Answered with `ENOSYS`. The C library then calls `clone`, whose flags can be looked at.
pub(super) const ABSENT: &[Allow] = &[any(SYS_clone3)];

/// Allowed in each role.
pub(super) const ALLOWED: &[Allow] = &[
    // Answered before this table is asked.
    any(SYS_clone3),
    // Memory. Never executable.
    any(SYS_brk),
    only(SYS_mmap, &[&[without(2, PROT_EXEC as u32)]]),
    only(SYS_mprotect, &[&[without(2, PROT_EXEC as u32)]]),
    any(SYS_munmap),
    any(SYS_mremap),
    any(SYS_madvise),
    // Threads, and no processes. `tgkill` is added with the process's own id.
    only(SYS_clone, &[&[long(0, GLIBC_THREAD)], &[long(0, MUSL_THREAD)]]),
    any(SYS_set_robust_list),
    any(SYS_rseq),
    any(SYS_futex),
    any(SYS_sched_yield),
    any(SYS_sched_getaffinity),
    any(SYS_gettid),
    any(SYS_getpid),
    any(SYS_exit),
    any(SYS_exit_group),
    only(SYS_prctl, &[&[int(0, libc::PR_SET_NAME as u32)], &[int(0, PR_SET_VMA)]]),
    // Signals to itself.
    any(SYS_rt_sigaction),
    any(SYS_rt_sigprocmask),
    any(SYS_rt_sigreturn),
    any(SYS_sigaltstack),
    any(SYS_restart_syscall),
    // Time and chance.
    any(SYS_clock_gettime),
    any(SYS_clock_getres),
    any(SYS_clock_nanosleep),
    any(SYS_nanosleep),
    any(SYS_getrandom),
    // Descriptors it has, and events.
    any(SYS_read),
    any(SYS_readv),
    any(SYS_pread64),
    any(SYS_write),
    any(SYS_writev),
    any(SYS_lseek),
    any(SYS_fstat),
    // What the standard library asks of an open file: by descriptor.
    only(SYS_statx, &[&[with(2, libc::AT_EMPTY_PATH as u32)]]),
    any(SYS_close),
    any(SYS_dup),
    only(
        SYS_fcntl,
        &[
            &[command(F_GETFD)],
            &[command(F_SETFD)],
            &[command(F_GETFL)],
            &[command(F_SETFL)],
            &[command(F_DUPFD_CLOEXEC)],
        ],
    ),
    only(
        libc::SYS_ioctl,
        &[&[request(libc::FIONBIO)], &[request(libc::FIOCLEX)], &[request(libc::FIONREAD)]],
    ),
    any(SYS_ppoll),
    #[cfg(target_arch = "x86_64")]
    any(libc::SYS_poll),
    any(SYS_epoll_create1),
    any(SYS_epoll_ctl),
    any(SYS_epoll_pwait),
    #[cfg(target_arch = "x86_64")]
    any(libc::SYS_epoll_wait),
    any(SYS_eventfd2),
    any(SYS_timerfd_create),
    any(SYS_timerfd_settime),
    // Sockets it has: the vhost-user connection and those it was given. There is no
    // `socket` and no `connect`; an address to send to is refused.
    any(SYS_recvmsg),
    any(SYS_sendmsg),
    any(SYS_recvfrom),
    only(SYS_sendto, &[&[long(4, 0)]]),
    any(SYS_shutdown),
];
