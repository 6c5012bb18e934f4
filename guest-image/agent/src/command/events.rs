//! A flag that can be waited for together with descriptors.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// Once raised it stays raised, and everybody who polls it sees it.
#[derive(Debug)]
pub struct Flag(OwnedFd);

impl Flag {
    /// A lowered flag.
    ///
    /// # Errors
    /// `EMFILE` and the like.
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC)?))
    }

    /// Raises the flag.
    pub fn raise(&self) {
        // The counter cannot overflow from so few additions, so this cannot fail or block.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}

impl AsFd for Flag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of `wanted` is ready or has an error, up to `limit`; says for each whether it
/// is. Nothing is ready when the time is up.
///
/// # Errors
/// `ENOMEM`, `EINVAL`.
pub fn wait<const N: usize>(
    wanted: [(BorrowedFd<'_>, PollFlags); N],
    limit: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut fds = wanted.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
    let limit = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    });
    loop {
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => return Ok(fds.map(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
