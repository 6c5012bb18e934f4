//! Where a serial port's output goes: line by line to a descriptor that never blocks. When its
//! reader is slow the bytes are dropped and counted. A flood costs the guest its own time and
//! nobody memory.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

/// Longest piece kept back before it is written.
const BUFFER: usize = 256;

/// Where the output goes.
pub struct Sink {
    out: Option<OwnedFd>,
    buffer: Vec<u8>,
    dropped: u64,
}

impl Sink {
    /// Writes to `out`, which this makes non-blocking; nowhere if there is none.
    ///
    /// # Errors
    /// The descriptor cannot be made non-blocking.
    pub fn new(out: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(fd) = &out {
            let flags = rustix::fs::fcntl_getfl(fd)?;
            rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?;
        }
        Ok(Sink { out, buffer: Vec::with_capacity(BUFFER), dropped: 0 })
    }

    fn push(&mut self, byte: u8) {
        if self.out.is_none() {
            return;
        }
        self.buffer.push(byte);
        if byte == b'\n' || self.buffer.len() >= BUFFER {
            self.drain();
        }
    }

    /// Writes what is kept back; what does not fit is lost and counted.
    pub fn drain(&mut self) {
        let Some(out) = &self.out else { return };
        if self.dropped > 0 {
            let note = format!("\r\n[{} bytes of console output were dropped]\r\n", self.dropped);
            // Shorter than PIPE_BUF: all of it or nothing.
            if matches!(rustix::io::write(out, note.as_bytes()), Ok(written) if written > 0) {
                self.dropped = 0;
            }
        }
        let written = match rustix::io::write(out, &self.buffer) {
            Ok(written) => written,
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::BADF) => {
                // Nobody listens any more.
                self.out = None;
                0
            }
            Err(_) => 0,
        };
        self.dropped += self.buffer.len().saturating_sub(written) as u64;
        self.buffer.clear();
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        bytes.iter().for_each(|byte| self.push(*byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.drain();
    }
}

#[cfg(test)]
#[path = "sink_test.rs"]
mod tests;
