//! An eventfd.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use vmm_sys_util::eventfd::EventFd;

/// See the [module](super).
#[derive(Debug)]
pub struct Event(EventFd);

impl Event {
    /// An event that is not signalled.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        EventFd::new(libc::EFD_NONBLOCK | libc::EFD_CLOEXEC).map(Self)
    }

    /// An event for whose signal [`Event::take`] waits.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new_blocking() -> io::Result<Self> {
        EventFd::new(libc::EFD_CLOEXEC).map(Self)
    }

    /// Signals it: one more time to be taken.
    ///
    /// # Errors
    /// It was signalled 2^64 - 2 times without being taken, or came from another process and is
    /// no event.
    pub fn signal(&self) -> io::Result<()> {
        self.0.write(1)
    }

    /// How often it was signalled since the last time it was taken, 1 or more.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if not at all.
    pub fn take(&self) -> io::Result<u64> {
        self.0.read()
    }

    /// For whoever polls it edge by edge, after each wake-up. Nothing to do here: an eventfd is an
    /// edge each time it is signalled, taken or not, and taking from one that another process made
    /// could block.
    pub fn seen(&self) {}

    /// A second handle of the same event.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// For those who signal it by themselves: the kernel, another process.
    #[must_use]
    pub fn as_eventfd(&self) -> &EventFd {
        &self.0
    }
}

impl From<OwnedFd> for Event {
    /// Takes over a descriptor from another process. Should it be no eventfd, each call fails.
    #[expect(unsafe_code, reason = "the wrapper has no safe way in")]
    fn from(descriptor: OwnedFd) -> Self {
        // SAFETY: the descriptor is open and owned; its ownership moves.
        Self(unsafe { EventFd::from_raw_fd(descriptor.into_raw_fd()) })
    }
}

impl AsRawFd for Event {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Event {
    #[expect(unsafe_code, reason = "the wrapper only gives the number")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `self` lives.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}
