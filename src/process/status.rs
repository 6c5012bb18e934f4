//! How a process ended.

use std::fmt;

use rustix::process::WaitIdStatus;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// Unknown: somebody else waited for it.
    Unknown,
}

impl Status {
    /// Reads what the system says.
    pub(super) fn of(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Killed(signal),
            (None, None) => Self::Unknown,
        }
    }

    /// Whether it ended as it should.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with status {code}"),
            Self::Killed(libc::SIGSYS) => f.write_str(
                "was killed by its system call filter (run again with QVM_SECCOMP=trap, \
                 or see `dmesg | grep type=1326`)",
            ),
            Self::Killed(signal) => write!(f, "was killed by signal {signal}"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}
