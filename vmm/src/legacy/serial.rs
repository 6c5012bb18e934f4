//! COM1, a 16550A, output only: the early log of the kernel.
//!
//! The register model is vm-superio's. What the guest prints goes line by line to a descriptor
//! that never blocks: when its reader is slow the bytes are dropped and counted. A flood costs
//! the guest its own time and nobody memory.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use virtio_devices::transport::mmio::IrqTrigger;
use vm_superio::{Serial, Trigger};

use crate::bus::{Action, BusDevice};

/// First port.
pub const PORT: u16 = 0x3f8;
/// Number of ports.
pub const PORTS: u8 = 8;

/// Longest piece kept back before it is written.
const BUFFER: usize = 256;

/// The interrupt line as vm-superio wants it.
pub struct Line(Box<dyn IrqTrigger>);

impl Trigger for Line {
    type E = io::Error;

    fn trigger(&self) -> io::Result<()> {
        self.0.trigger();
        Ok(())
    }
}

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
    fn drain(&mut self) {
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

/// The serial port.
pub struct Com1 {
    uart: Serial<Line, vm_superio::serial::NoEvents, Sink>,
}

impl Com1 {
    /// A port that raises `interrupt` and whose output goes to `sink`.
    #[must_use]
    pub fn new(interrupt: Box<dyn IrqTrigger>, sink: Sink) -> Self {
        Com1 { uart: Serial::new(Line(interrupt), sink) }
    }
}

impl BusDevice for Com1 {
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let ([byte], Ok(offset)) = (data, u8::try_from(offset)) {
            *byte = self.uart.read(offset);
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        if let ([byte], Ok(offset)) = (data, u8::try_from(offset)) {
            // An interrupt that cannot be raised is the guest's loss only.
            let _ = self.uart.write(offset, *byte);
        }
        Action::None
    }

    fn quiesce(&mut self) -> Option<String> {
        self.uart.writer_mut().drain();
        None
    }
}

#[cfg(test)]
#[path = "serial_test.rs"]
mod tests;
