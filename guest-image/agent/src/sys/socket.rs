//! A connected stream socket of any family, and how to get one.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use agent_protocol::{AGENT_PORT, FrameError, Opening, write_frame};
use rustix::net::Shutdown;

/// A connected stream socket. Reading and writing need only a shared reference, so that one
/// thread can read while another writes.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// No more bytes will be written; the peer reads an end of file.
    pub fn finish(&self) {
        // Fails only when the peer is gone, and then there is nobody to tell.
        let _ = rustix::net::shutdown(&self.0, Shutdown::Write);
    }

    /// Neither side gets another byte through; blocked readers and writers return.
    pub fn abort(&self) {
        let _ = rustix::net::shutdown(&self.0, Shutdown::Both);
    }
}

impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, buffer)?)
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes connections to the host. A trait, so that tests can play the host over Unix sockets.
pub trait Dial: Send + Sync {
    /// Connects to `port` on the host.
    ///
    /// # Errors
    /// What connecting says; `ECONNRESET` where nobody listens on the port.
    fn dial(&self, port: u32) -> io::Result<Socket>;
}

/// Connects to qvm's port and says what the connection is for.
///
/// # Errors
/// As [`Dial::dial`] and [`write_frame`].
pub fn open(dialer: &dyn Dial, opening: &Opening) -> Result<Socket, FrameError> {
    let socket = dialer.dial(AGENT_PORT)?;
    write_frame(&socket, opening)?;
    Ok(socket)
}
