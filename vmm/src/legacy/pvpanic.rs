//! The port, or register on aarch64, by which a kernel tells that it panicked (QEMU
//! `docs/specs/pvpanic.rst`).
//!
//! A kernel with `CONFIG_PVPANIC_MMIO` finds it through ACPI or the device tree and writes after
//! it has printed its last message. Debian's x86-64 kernel has that driver as a module and the
//! aarch64 one does not: until it is loaded, `panic=-1` makes the panic a reset, and the last
//! lines of the console tell the two apart.

use crate::bus::{Action, BusDevice};

/// The port.
pub const PORT: u16 = 0x505;
/// Length of the register in bytes.
pub const MMIO_SIZE: u64 = 2;

const PANICKED: u8 = 1;
const CRASH_LOADED: u8 = 1 << 1;

/// The panic port.
pub struct PvPanic;

impl BusDevice for PvPanic {
    fn read(&mut self, _offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let Some(first) = data.first_mut() {
            *first = PANICKED;
        }
    }

    fn write(&mut self, _offset: u64, data: &[u8]) -> Action {
        match data.first() {
            Some(value) if value & (PANICKED | CRASH_LOADED) == PANICKED => Action::Panicked,
            _ => Action::None,
        }
    }
}
