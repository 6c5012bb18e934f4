//! x86-64: memory layout, boot state, firmware tables.

pub mod acpi;
pub mod layout;
mod legacy;
pub mod memory_map;
pub mod pvh;
pub mod reset_vector;
pub mod tables;
pub mod zero_page;

use std::os::fd::OwnedFd;

use super::Arch;
use crate::Memory;
use crate::boot::{self, Payload};
use crate::hypervisor::Vm;
use crate::machine::{Buses, Error, huge};

/// The machine: PVH or Linux boot, ACPI tables that reduce hardware to virtio, COM1.
pub struct X86_64;

impl Arch for X86_64 {
    type Entry = BootEntry;

    const MEMORY_MAX: u64 = layout::MEMORY_MAX;
    const CMDLINE: &'static str = boot::cmdline::X86_64;

    fn ranges(size: u64) -> Vec<(u64, u64)> {
        layout::ranges(size)
    }

    fn virtio_slot(index: usize) -> Option<(u64, u32)> {
        layout::virtio_slot(index)
    }

    fn add_legacy<V: Vm<Arch = Self>>(
        vm: &V,
        buses: &mut Buses,
        serial: Option<OwnedFd>,
    ) -> Result<(), Error> {
        legacy::add(vm, buses, serial)
    }

    fn filled_by_boot(size: u64, kernel: u64, initrd: u64) -> Vec<(u64, u64)> {
        let low = layout::low_end(size);
        let most = huge::whole(size / 8);
        let table = huge::table(size).min(most);
        let initrd = huge::whole(initrd).min(most);
        let kernel = (layout::KERNEL, layout::KERNEL + huge::whole(kernel).min(most));
        let mut spans = vec![kernel];
        match layout::ranges(size).as_slice() {
            [_] => spans.push(huge::end_of((layout::KERNEL, low), table + initrd)),
            [_, (start, length), ..] => {
                spans.push(huge::end_of((layout::KERNEL, low), initrd));
                spans.push(huge::end_of((*start, start + length), table));
            }
            [] => {}
        }
        spans.retain(|(start, end)| *end <= low || *start >= layout::HOLE_END);
        huge::in_order(spans)
    }

    fn load(memory: &Memory, size: u64, payload: Payload<'_>) -> Result<BootEntry, boot::Error> {
        boot::x86_64::load(memory, size, payload)
    }
}

/// How and where the first vCPU enters its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootEntry {
    /// The PVH entry of an ELF kernel (Xen `docs/misc/pvh.pandoc`).
    Pvh {
        /// Guest-physical address of the 32-bit entry.
        address: u64,
        /// Guest-physical address of the `hvm_start_info`.
        start_info: u64,
    },
    /// The 64-bit entry of a bzImage (Linux `Documentation/arch/x86/boot.rst`).
    Linux64 {
        /// Guest-physical address of the entry.
        address: u64,
        /// Guest-physical address of the boot parameters ("zero page").
        boot_params: u64,
    },
    /// Real mode with all bases zero, for small test guests.
    Real {
        /// Offset of the first instruction.
        address: u16,
    },
}

#[cfg(test)]
#[path = "x86_64_test.rs"]
mod tests;
