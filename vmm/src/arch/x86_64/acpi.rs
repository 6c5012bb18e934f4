//! ACPI tables (ACPI 6.5), hardware-reduced: no PM timer, no SCI, no fixed registers.
//!
//! They say how many CPUs there are, where COM1 and the virtio devices are, and how to power
//! off and reset: by one-byte I/O ports, see [`crate::legacy::power`].

mod dsdt;
mod fixed;

use acpi_tables::{Aml, rsdp::Rsdp, xsdt::XSDT};
use vm_memory::{Bytes, GuestAddress};

use super::layout;
use crate::Memory;

const OEM: [u8; 6] = *b"QVM   ";
const TABLE: [u8; 8] = *b"QVMMICRO";
const REVISION: u32 = 1;

/// What the tables describe.
#[derive(Clone, Debug)]
pub struct Description {
    /// Number of CPUs, 1 to 32; APIC ids are 0, 1, ….
    pub cpus: u8,
    /// Registers and interrupt line of each virtio device.
    pub virtio: Vec<(u64, u32)>,
}

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too much to describe.
    #[error("the ACPI tables are larger than their room")]
    TooLarge,
    /// Guest memory refused.
    #[error("the ACPI tables could not be written to guest memory")]
    Memory(#[source] vm_memory::GuestMemoryError),
}

/// Writes all tables; answers the root pointer's address.
///
/// # Errors
/// [`Error`].
pub fn write(memory: &Memory, description: &Description) -> Result<u64, Error> {
    let (at, bytes) = build(description)?;
    memory.write_slice(&bytes, GuestAddress(at)).map_err(Error::Memory)?;
    Ok(at)
}

/// All tables as they lie in memory from the answered address on: root pointer first.
fn build(description: &Description) -> Result<(u64, Vec<u8>), Error> {
    let mut room = Room { bytes: vec![0; align(Rsdp::len())] };
    let dsdt = room.add(&dsdt::table(description)?);
    let fadt = room.add(&fixed::fadt(dsdt));
    let madt = room.add(&fixed::madt(description.cpus));
    let mut xsdt = XSDT::new(OEM, TABLE, REVISION);
    xsdt.add_entry(fadt);
    xsdt.add_entry(madt);
    let xsdt = room.add(&xsdt);
    let mut root = Vec::new();
    Rsdp::new(OEM, xsdt).to_aml_bytes(&mut root);
    room.bytes[..root.len()].copy_from_slice(&root);
    if room.bytes.len() as u64 > layout::ACPI_END - layout::ACPI {
        return Err(Error::TooLarge);
    }
    Ok((layout::ACPI, room.bytes))
}

/// Tables one after the other, each at a multiple of 16.
struct Room {
    bytes: Vec<u8>,
}

impl Room {
    fn add(&mut self, table: &dyn Aml) -> u64 {
        let at = self.bytes.len();
        table.to_aml_bytes(&mut self.bytes);
        self.bytes.resize(align(self.bytes.len()), 0);
        layout::ACPI + at as u64
    }
}

fn align(length: usize) -> usize {
    length.next_multiple_of(16)
}

#[cfg(test)]
#[path = "acpi_test.rs"]
mod tests;
