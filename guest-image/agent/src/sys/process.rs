//! Signals and exit statuses of processes, by number.
#![expect(unsafe_code, reason = "kill with any number, and waitid that tells the pid, need libc")]

use std::fmt;
use std::io;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Signaled(i32),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "ended with status {status}"),
            Self::Signaled(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}

/// Whom a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One process group.
    Group(i32),
    /// Every process but PID 1. Refused unless the caller is PID 1, because anywhere else it
    /// would end the programs of whoever runs the tests.
    Everyone,
}

/// Sends `signal`.
///
/// # Errors
/// `ESRCH` when there is no such process, `EINVAL` for a signal that does not exist, or a group
/// that is not above 1.
pub fn kill(target: Target, signal: i32) -> io::Result<()> {
    let number = match target {
        Target::Group(group) if group > 1 => -group,
        Target::Everyone if std::process::id() == 1 => -1,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    // SAFETY: kill touches no memory of ours.
    if unsafe { libc::kill(number, signal) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until some child has ended, leaves it a zombie, and says which one it is.
///
/// # Errors
/// `ECHILD` when there are no children at all.
pub fn wait_for_zombie() -> io::Result<i32> {
    loop {
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: waitid writes one `siginfo_t`, for which there is room.
        let result = unsafe {
            libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT)
        };
        if result == 0 {
            // SAFETY: all-zero bytes are a valid `siginfo_t`, and on success waitid has filled
            // in the fields for SIGCHLD, of which `si_pid` is one.
            return Ok(unsafe { info.assume_init().si_pid() });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whether this process has any child, running or ended.
pub fn has_children() -> bool {
    let options = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
    // SAFETY: waitid accepts a null pointer where nobody wants the details.
    let result = unsafe { libc::waitid(libc::P_ALL, 0, std::ptr::null_mut(), options) };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ECHILD)
}

/// Collects the zombie `pid`, which then no longer exists. `None` if it is none.
pub fn reap(pid: i32) -> Option<Ending> {
    let mut status = 0;
    loop {
        // SAFETY: waitpid writes one int, for which there is room.
        let result = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if result == pid {
            break;
        }
        if result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
    if libc::WIFSIGNALED(status) {
        Some(Ending::Signaled(libc::WTERMSIG(status)))
    } else {
        Some(Ending::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX)))
    }
}

/// Makes a write to a closed pipe an error instead of the end of this process.
pub fn ignore_broken_pipes() {
    // SAFETY: the disposition SIG_IGN runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
