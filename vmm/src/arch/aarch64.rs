//! aarch64: memory layout, device tree, boot state.

pub mod device_tree;
pub mod layout;
mod legacy;

use std::os::fd::OwnedFd;

use super::Arch;
use crate::Memory;
use crate::boot::{self, Payload};
use crate::hypervisor::Vm;
use crate::machine::{Buses, Error, huge};

/// The machine: device tree, GICv3, PSCI, PL011.
pub struct Aarch64;

impl Arch for Aarch64 {
    type Entry = BootEntry;

    const MEMORY_MAX: u64 = layout::MEMORY_MAX;
    const CMDLINE: &'static str = boot::cmdline::AARCH64;

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
        let most = huge::whole(size / 8);
        let (start, end) = (layout::MEMORY, layout::MEMORY + size);
        let table = huge::table(size).min(most);
        let initrd = huge::whole(initrd).min(most);
        let kernel = layout::KERNEL + huge::whole(kernel).min(most);
        let mut spans = vec![(layout::DEVICE_TREE, kernel)];
        if end > layout::INITRD_END {
            spans.push(huge::end_of((start, layout::INITRD_END), initrd));
            spans.push(huge::end_of((start, end), table));
        } else {
            spans.push(huge::end_of((start, end), table + initrd));
        }
        huge::in_order(spans)
    }

    fn load(memory: &Memory, size: u64, payload: Payload<'_>) -> Result<BootEntry, boot::Error> {
        boot::aarch64::load(memory, size, payload)
    }
}

/// How the first vCPU enters a Linux kernel (`Documentation/arch/arm64/booting.rst`): at EL1,
/// with the MMU off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootEntry {
    /// Guest-physical address of the first instruction.
    pub address: u64,
    /// Guest-physical address of the device tree, in x0.
    pub device_tree: u64,
}

#[cfg(test)]
#[path = "aarch64_test.rs"]
mod tests;
