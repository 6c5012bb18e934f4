//! COM1, a 16550A, output only: the early log of the kernel on x86. The register model is
//! vm-superio's.

use std::io;

use virtio_devices::transport::mmio::IrqTrigger;
use vm_superio::{Serial, Trigger};

use super::sink::Sink;
use crate::bus::{Action, BusDevice};

/// First port.
pub const PORT: u16 = 0x3f8;
/// Number of ports.
pub const PORTS: u8 = 8;

/// The interrupt line as vm-superio wants it.
pub struct Line(Box<dyn IrqTrigger>);

impl Trigger for Line {
    type E = io::Error;

    fn trigger(&self) -> io::Result<()> {
        self.0.trigger();
        Ok(())
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
