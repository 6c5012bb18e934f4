//! Starts a process: fork, become somebody else, exec.
//!
//! The child of a process with threads may only make system calls until it execs: another
//! thread may have held the allocator's lock at the time of the fork. So everything it needs is
//! prepared in a [`Launch`], and it reports over a pipe in frames of nine bytes.
#![expect(unsafe_code, reason = "fork and exec")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use rustix::process::{Gid, Uid};

use super::namespaces::{Container, Namespaces};

/// Where a child gets its first three descriptors from.
#[derive(Debug, Clone, Copy)]
pub enum Stdio<'a> {
    /// All three are this terminal, which becomes the controlling one.
    Terminal(BorrowedFd<'a>),
    /// Standard input, output and error.
    Pipes([BorrowedFd<'a>; 3]),
}

/// The namespaces that a child lives in.
#[derive(Debug, Clone, Copy)]
pub enum World<'a> {
    /// The agent's.
    Agents,
    /// Those of another process.
    Other(&'a Namespaces),
    /// Its own, of processes, files and cgroups, in which it is PID 1.
    New(&'a Container),
}

/// What to run, in the form `execve` wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Paths to try in turn.
    pub candidates: Vec<CString>,
    /// Arguments, the program's own name first.
    pub argv: Vec<CString>,
    /// `NAME=value`.
    pub envp: Vec<CString>,
    /// Working directory.
    pub cwd: CString,
    /// User and group to become; `None`: stay what the agent is.
    pub identity: Option<(u32, u32)>,
}

/// The steps of a child that a report can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// About to exec; the value is `CLOCK_MONOTONIC` in nanoseconds.
    Starting,
    /// The working directory cannot be entered; the value is an errno.
    WorkingDirectory,
    /// The program cannot be executed; the value is an errno.
    Exec,
    /// Anything else; the value is an errno.
    Other,
}

/// Flag of `clone3`: the child begins in another cgroup (`linux/sched.h`; the crate's constant is
/// an `int`, which it does not fit).
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Flag of `clone3`: the child is PID 1 of a new namespace of processes. Only with a cgroup.
const NEW_PIDS: u64 = 0x2000_0000;

/// Bytes of one report.
pub const REPORT: usize = 9;

/// Reads one report.
pub fn parse_report(bytes: [u8; REPORT]) -> (Step, u64) {
    let [tag, value @ ..] = bytes;
    let step = match tag {
        0 => Step::Starting,
        1 => Step::WorkingDirectory,
        2 => Step::Exec,
        _ => Step::Other,
    };
    (step, u64::from_le_bytes(value))
}

/// Forks; the child runs `launch` in a session of its own and reports to `report`, which closes
/// by itself when the program starts. Every descriptor given must be above 2 and close-on-exec.
/// The child begins in `cgroup` (an open directory) where there is one.
///
/// # Errors
/// What the fork says, such as `EAGAIN` at the limit of processes.
pub fn start(
    launch: &Launch,
    stdio: Stdio<'_>,
    cgroup: Option<BorrowedFd<'_>>,
    world: World<'_>,
    report: BorrowedFd<'_>,
) -> io::Result<i32> {
    let argv = pointers(&launch.argv);
    let envp = pointers(&launch.envp);
    let flags = if matches!(world, World::New(_)) { NEW_PIDS } else { 0 };
    let fork = || {
        // SAFETY: the child's side only calls `child`, which makes system calls and never returns.
        match unsafe { fork(flags, cgroup)? } {
            0 => child(launch, &argv, &envp, stdio, world, report.as_raw_fd()),
            pid => Ok(pid),
        }
    };
    match world {
        World::Other(namespaces) => namespaces.fork(fork),
        World::Agents | World::New(_) => fork(),
    }
}

/// A null-terminated array for `execve`; valid as long as `strings`.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Forks into `cgroup` if there is one, and with these flags if so. Moving a process later would wait for a grace period of
/// the kernel's, which takes longer than all the rest of starting it.
///
/// # Safety
/// The child may only make system calls.
unsafe fn fork(flags: u64, cgroup: Option<BorrowedFd<'_>>) -> io::Result<i32> {
    let result = match cgroup {
        None => {
            // SAFETY: as the caller promises.
            i64::from(unsafe { libc::fork() })
        }
        Some(cgroup) => {
            // SAFETY: all-zero bytes are valid arguments: every field is an integer.
            let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
            arguments.flags = CLONE_INTO_CGROUP | flags;
            arguments.exit_signal = u64::try_from(libc::SIGCHLD).unwrap_or(0);
            arguments.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or(0);
            // SAFETY: without CLONE_VM and with no stack given this is fork: the child has a
            // copy of this stack. It skips the C library's own work after a fork, which only
            // matters to code that uses the library's locks, and the caller promises not to.
            unsafe {
                libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>())
            }
        }
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(i32::try_from(result).unwrap_or(0))
    }
}

/// The child's side.
fn child(
    launch: &Launch,
    argv: &[*const libc::c_char],
    envp: &[*const libc::c_char],
    stdio: Stdio<'_>,
    world: World<'_>,
    report: RawFd,
) -> ! {
    let (step, errno) = match prepare(launch, stdio, world) {
        Ok(()) => {
            send(report, 0, crate::clock::monotonic_nanos());
            (2, exec(launch, argv, envp))
        }
        Err((step, errno)) => (step, errno.raw_os_error()),
    };
    send(report, step, u64::try_from(errno).unwrap_or(0));
    // SAFETY: ends this process at once, without running anything registered for its end.
    unsafe { libc::_exit(127) }
}

/// Namespaces, session, descriptors, signals, identity, directory.
fn prepare(
    launch: &Launch,
    stdio: Stdio<'_>,
    world: World<'_>,
) -> Result<(), (u8, rustix::io::Errno)> {
    let other = |errno| (3, errno);
    match world {
        World::Agents => {}
        World::Other(namespaces) => namespaces.enter().map_err(other)?,
        World::New(container) => container.furnish().map_err(other)?,
    }
    rustix::process::setsid().map_err(other)?;
    let sources = match stdio {
        Stdio::Terminal(terminal) => {
            rustix::process::ioctl_tiocsctty(terminal).map_err(other)?;
            [terminal; 3]
        }
        Stdio::Pipes(pipes) => pipes,
    };
    for (target, source) in (0..).zip(sources) {
        // SAFETY: dup2 touches no memory; the descriptors 0 to 2 belong to nothing in the child.
        if unsafe { libc::dup2(source.as_raw_fd(), target) } < 0 {
            return Err(other(last_errno()));
        }
    }
    default_signals();
    // A command is what the kernel may kill when memory runs out; the agent is not. Not being
    // allowed to (in tests, not as root) changes nothing that matters there.
    write_file(c"/proc/self/oom_score_adj", b"0");
    if let Some((uid, gid)) = launch.identity {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        // The thread's own system calls: the C library's functions would signal threads that
        // this copy of the process does not have.
        rustix::thread::set_thread_groups(&[gid]).map_err(other)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(other)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(other)?;
    }
    // After the change of identity: root may enter what the caller may not.
    rustix::process::chdir(launch.cwd.as_c_str()).map_err(|errno| (1, errno))
}

/// Nothing blocked, nothing ignored.
fn default_signals() {
    // SAFETY: the set lives on the stack and sigemptyset initialises it; SIG_DFL runs no code.
    unsafe {
        let mut none = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// Tries the candidates in turn, and returns only when none could be executed, with the errno
/// that says most: as `execvp` does, a file that is there but forbidden beats one that is not.
fn exec(launch: &Launch, argv: &[*const libc::c_char], envp: &[*const libc::c_char]) -> i32 {
    let mut verdict = libc::ENOENT;
    for path in &launch.candidates {
        // SAFETY: the path ends in a null byte and both arrays in a null pointer; the strings
        // live in `launch`, of which this process has its own copy.
        unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
        match last_errno().raw_os_error() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => verdict = libc::EACCES,
            errno => return errno,
        }
    }
    verdict
}

/// Writes one report; the reader finds an end of file if that fails.
fn send(report: RawFd, tag: u8, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    let bytes: [u8; REPORT] = [tag, a, b, c, d, e, f, g, h];
    // SAFETY: writes from nine readable bytes.
    unsafe { libc::write(report, bytes.as_ptr().cast(), REPORT) };
}

/// Writes a file of the kernel's, if it can.
fn write_file(path: &CStr, content: &[u8]) {
    // SAFETY: the path ends in a null byte, and the content is readable for its length.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd >= 0 {
            libc::write(fd, content.as_ptr().cast(), content.len());
            libc::close(fd);
        }
    }
}

/// The errno of the system call just made.
fn last_errno() -> rustix::io::Errno {
    // SAFETY: the C library's errno of this thread is always readable.
    rustix::io::Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}
