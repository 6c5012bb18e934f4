//! PL011 serial port (Arm DDI 0183), output only: the early log of the kernel on aarch64.
//!
//! The transmit FIFO is always empty and nothing is ever received. Each byte written raises the
//! transmit interrupt again, if the guest wants it, as a FIFO that drains at once would: an edge
//! that comes while the guest serves the one before it makes it look once more.

use std::io::Write;

use virtio_devices::transport::mmio::IrqTrigger;

use super::sink::Sink;
use crate::bus::{Action, BusDevice};

/// Length of its registers in bytes.
pub const SIZE: u64 = 0x1000;

const DATA: u64 = 0x000;
const FLAGS: u64 = 0x018;
const LOW_POWER: u64 = 0x020;
const BAUD_INTEGER: u64 = 0x024;
const BAUD_FRACTION: u64 = 0x028;
const LINE_CONTROL: u64 = 0x02c;
const CONTROL: u64 = 0x030;
const FIFO_LEVELS: u64 = 0x034;
const MASK: u64 = 0x038;
const RAW_STATUS: u64 = 0x03c;
const MASKED_STATUS: u64 = 0x040;
const CLEAR: u64 = 0x044;
const DMA_CONTROL: u64 = 0x048;
const IDS: u64 = 0xfe0;

/// Transmit FIFO empty, receive FIFO empty, and the other side ready: carrier, data set, clear to
/// send.
const FLAGS_VALUE: u16 = 0b1001_0111;
/// The transmit interrupt in the interrupt registers.
const TRANSMIT: u16 = 1 << 5;
/// Interrupts that there are.
const INTERRUPTS: u16 = 0x7ff;
/// Peripheral and cell identification: part 0x011, revision r1p5, PrimeCell.
const ID_VALUES: [u8; 8] = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// The serial port.
pub struct Pl011 {
    interrupt: Box<dyn IrqTrigger>,
    sink: Sink,
    /// Settings without effect, kept for the driver to read back: from [`LOW_POWER`] to
    /// [`FIFO_LEVELS`], then [`DMA_CONTROL`].
    settings: [u16; 7],
    mask: u16,
    raw: u16,
}

impl Pl011 {
    /// A port that raises `interrupt` and whose output goes to `sink`.
    #[must_use]
    pub fn new(interrupt: Box<dyn IrqTrigger>, sink: Sink) -> Self {
        // After reset: FIFO levels half, control with transmitter and receiver on.
        let settings = [0, 0, 0, 0, 0x300, 0x12, 0];
        Pl011 { interrupt, sink, settings, mask: 0, raw: 0 }
    }

    fn setting(&mut self, register: u64) -> Option<&mut u16> {
        let index = match register {
            LOW_POWER => 0,
            BAUD_INTEGER => 1,
            BAUD_FRACTION => 2,
            LINE_CONTROL => 3,
            CONTROL => 4,
            FIFO_LEVELS => 5,
            DMA_CONTROL => 6,
            _ => return None,
        };
        self.settings.get_mut(index)
    }

    fn register(&mut self, register: u64) -> u16 {
        match register {
            FLAGS => FLAGS_VALUE,
            MASK => self.mask,
            RAW_STATUS => self.raw,
            MASKED_STATUS => self.raw & self.mask,
            IDS.. => {
                let index = usize::try_from((register - IDS) / 4).ok();
                u16::from(index.and_then(|at| ID_VALUES.get(at)).copied().unwrap_or(0))
            }
            // Nothing was received, and nothing went wrong with it.
            _ => self.setting(register).map_or(0, |value| *value),
        }
    }

    fn raise(&self) {
        if self.raw & self.mask != 0 {
            self.interrupt.trigger();
        }
    }
}

impl BusDevice for Pl011 {
    /// Registers are four bytes apart, with at most sixteen bits; any width is answered.
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        let value = self.register(offset & !3).to_le_bytes();
        let within = usize::try_from(offset & 3).unwrap_or(0);
        for (at, byte) in (within..).zip(data) {
            *byte = value.get(at).copied().unwrap_or(0);
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        let low = |at: usize| u16::from(data.get(at).copied().unwrap_or(0));
        let value = low(0) | low(1) << 8;
        match offset {
            DATA => {
                // A sink takes everything.
                let _ = self.sink.write_all(&[value.to_le_bytes()[0]]);
                self.raw |= TRANSMIT;
                self.raise();
            }
            MASK => {
                self.mask = value & INTERRUPTS;
                self.raise();
            }
            CLEAR => self.raw &= !value,
            _ => {
                if let Some(setting) = self.setting(offset) {
                    *setting = value;
                }
            }
        }
        Action::None
    }

    fn quiesce(&mut self) -> Option<String> {
        self.sink.drain();
        None
    }
}

#[cfg(test)]
#[path = "pl011_test.rs"]
mod tests;
