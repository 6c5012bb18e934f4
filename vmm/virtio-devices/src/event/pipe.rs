//! A pipe: where there is no eventfd.
//!
//! Each signal is a byte. Whoever polls the pipe edge by edge empties it after each wake-up, so
//! that it never fills up; a pipe that is full is signalled all the same.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

/// See the [module](super).
#[derive(Debug)]
pub struct Event {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Event {
    /// An event that is not signalled.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let event = Self::new_blocking()?;
        let flags = fcntl_getfl(&event.reader)?;
        fcntl_setfl(&event.reader, flags | OFlags::NONBLOCK)?;
        Ok(event)
    }

    /// An event for whose signal [`Event::take`] waits.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new_blocking() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe()?;
        for end in [&reader, &writer] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
        }
        // Who signals never waits.
        let flags = fcntl_getfl(&writer)?;
        fcntl_setfl(&writer, flags | OFlags::NONBLOCK)?;
        Ok(Self { reader, writer })
    }

    /// Signals it.
    ///
    /// # Errors
    /// The system's.
    pub fn signal(&self) -> io::Result<()> {
        match rustix::io::write(&self.writer, &[1]) {
            // Full: signalled very often already.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How often it was signalled since the last time it was taken, 1 or more.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if not at all.
    pub fn take(&self) -> io::Result<u64> {
        let mut count = 0;
        let mut bytes = [0; 512];
        loop {
            match rustix::io::read(&self.reader, &mut bytes) {
                Ok(read) => {
                    count += read as u64;
                    // It is empty; one more read could wait.
                    if read < bytes.len() {
                        return Ok(count);
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) if count > 0 => return Ok(count),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// For whoever polls it edge by edge, after each wake-up: makes room for more signals.
    pub fn seen(&self) {
        let _ = self.take();
    }

    /// A second handle of the same event.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { reader: self.reader.try_clone()?, writer: self.writer.try_clone()? })
    }
}

impl AsRawFd for Event {
    fn as_raw_fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
