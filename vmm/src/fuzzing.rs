//! Entries for fuzzing: raw bytes into the real code.

use std::fs::File;
use std::io::Write;

use vm_memory::GuestAddress;

use crate::Memory;
use crate::bus::{Action, Bus};
use crate::machine::memory;

mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use aarch64::{fuzz_bus_aarch64, fuzz_kernel_aarch64};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{fuzz_bus, fuzz_kernel};

/// Plays `data` as accesses, twelve bytes each: `addresses` makes an address of the first two,
/// then come width, direction and value.
fn play(bus: &Bus, data: &[u8], addresses: impl Fn(u16) -> u64) {
    for access in data.chunks_exact(12) {
        let address = addresses(u16::from_be_bytes([access[0], access[1]]));
        let mut value = [0; 8];
        value.copy_from_slice(&access[4..12]);
        let width = access[2];
        if access[3] & 1 == 0 {
            let mask = u64::MAX >> (64 - 8 * u32::from(width.clamp(1, 8)));
            assert_eq!(bus.read(address, width) & !mask, 0, "more bytes than were asked for");
        } else if bus.write(address, width, u64::from_le_bytes(value)) != Action::None {
            return;
        }
    }
}

/// The least memory of a machine, from `start` on.
fn memory_at(start: u64) -> Option<Memory> {
    let length = usize::try_from(memory::MIN).ok()?;
    Memory::from_ranges(&[(GuestAddress(start), length)]).ok()
}

fn file(data: &[u8]) -> Option<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file: File = rustix::fs::memfd_create("fuzz", flags).ok()?.into();
    file.write_all(data).ok()?;
    Some(file)
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
