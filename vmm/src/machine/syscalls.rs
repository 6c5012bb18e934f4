//! What the process still asks of the kernel once [`super::Machine::new`] has returned.
//!
//! For the author of the seccomp filter; names are those of x86-64. Where aarch64 has not got a
//! call the C library makes the one that does the same with more arguments: `epoll_pwait`,
//! `ppoll`. Seen with `strace` over a whole life of a machine with two vCPUs, disk, entropy
//! device and balloon under real KVM on x86-64; [`BACKEND`] from the source of the vhost-user
//! frontend. Nothing opens, executes or connects.

/// vCPU threads, the waiting thread, device workers, and the C library for them.
pub const RUNNING: &[&str] = &[
    "clock_gettime",
    "close",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    // Punches holes into guest memory for the balloon; the mode is KEEP_SIZE and PUNCH_HOLE.
    "fallocate",
    // F_DUPFD_CLOEXEC; debug builds also F_GETFD before each close.
    "fcntl",
    "futex",
    "getpid",
    "getrandom",
    "gettid",
    // Those of IOCTLS. Nothing else.
    "ioctl",
    "ppoll",
    "pread64",
    "preadv",
    "read",
    "restart_syscall",
    "rt_sigprocmask",
    "rt_sigreturn",
    // The kick: own process, signal SIGRTMIN.
    "tgkill",
    "write",
];

/// `ioctl` requests in [`RUNNING`]: `KVM_RUN`, and `KVM_GET_REGS` to describe a failure.
#[cfg(target_arch = "x86_64")]
pub const IOCTLS: &[u32] = &[0xae80, 0x8090_ae81];

/// `ioctl` requests in [`RUNNING`]: `KVM_RUN`, `KVM_GET_ONE_REG` to describe a failure, and
/// `KVM_SET_VCPU_EVENTS` to give the guest an abort for an access that nobody can decode.
#[cfg(target_arch = "aarch64")]
pub const IOCTLS: &[u32] = &[0xae80, 0x4010_aeab, 0x4040_aea0];

/// Starting and ending threads, and memory for them. Devices start theirs when the guest's
/// driver is ready, and again after each reset, so these stay allowed. Never executable memory.
pub const THREADS: &[&str] = &[
    "brk",
    "clone3",
    // Where the C library or the filter answers `clone3` with ENOSYS.
    "clone",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    // PR_SET_NAME, and PR_SET_VMA to name mappings.
    "prctl",
    "rseq",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
];

/// Only with vhost-user devices: messages with descriptors over sockets that exist already.
pub const BACKEND: &[&str] = &["poll", "recvmsg", "sendmsg", "shutdown"];
