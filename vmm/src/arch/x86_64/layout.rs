//! Where things are in guest-physical memory. All addresses and lengths in bytes.
//!
//! ```text
//!           0  boot structures, command line
//!     0x9fc00  reserved (EBDA)
//!     0xe0000  ACPI tables
//!    0x100000  kernel, … , initrd at the top of low memory
//!  0xe0000000  hole: virtio devices, I/O APIC, local APICs, KVM's own pages
//! 0x100000000  the rest of memory
//! ```

/// Global descriptor table.
pub const GDT: u64 = 0x500;
/// PVH start info, followed by its module list and memory map.
pub const START_INFO: u64 = 0x6000;
/// Module list of the start info.
pub const MODULE_LIST: u64 = 0x6100;
/// Memory map of the start info.
pub const MEMORY_MAP: u64 = 0x6200;
/// Linux boot parameters, one page.
pub const ZERO_PAGE: u64 = 0x7000;
/// A stack for the 64-bit entry, growing down.
pub const BOOT_STACK: u64 = 0x8ff0;
/// Identity page tables: one page of each of three levels.
pub const PAGE_TABLES: u64 = 0x9000;
/// Kernel command line with its final NUL.
pub const COMMAND_LINE: u64 = 0x2_0000;
/// End of conventional memory; the rest up to the ACPI tables is reserved.
pub const LOW_RAM_END: u64 = 0x9_fc00;
/// Root pointer and the other ACPI tables.
pub const ACPI: u64 = 0xe_0000;
/// End of the ACPI tables' room; the real-mode reset vector follows.
pub const ACPI_END: u64 = 0xf_fff0;
/// Kernels begin here or above.
pub const HIGH_RAM: u64 = 0x10_0000;

/// Where Linux is linked to run (`CONFIG_PHYSICAL_START`).
pub const KERNEL: u64 = 16 << 20;

/// Start of the hole below 4 GiB.
pub const HOLE: u64 = 0xe000_0000;
/// End of the hole.
pub const HOLE_END: u64 = 0x1_0000_0000;
/// Registers of the first virtio device.
pub const VIRTIO: u64 = HOLE;
/// Room of one virtio device.
pub const VIRTIO_STEP: u64 = 0x1000;
/// I/O APIC, emulated by KVM.
pub const IO_APIC: u32 = 0xfec0_0000;
/// Local APICs, emulated by KVM.
pub const LOCAL_APIC: u32 = 0xfee0_0000;
/// A page for KVM's real mode page table on Intel processors.
pub const IDENTITY_MAP: u64 = 0xfffb_c000;
/// Three pages for KVM's task state segment on Intel processors.
pub const TSS: usize = 0xfffb_d000;

/// Interrupt line of COM1.
pub const SERIAL_GSI: u32 = 4;
/// Interrupt lines of virtio devices: those of the I/O APIC's 24 that nothing else uses.
pub const VIRTIO_GSIS: std::ops::Range<u32> = 5..24;

/// Most memory of a machine: what any x86-64 processor's physical addresses reach (36 bits would
/// be 64 GiB; every processor with virtualisation of the last ten years has at least 39).
pub const MEMORY_MAX: u64 = 1 << 38;

/// The ranges `(start, length)` that `size` bytes of memory occupy.
#[must_use]
pub fn ranges(size: u64) -> Vec<(u64, u64)> {
    if size <= HOLE { vec![(0, size)] } else { vec![(0, HOLE), (HOLE_END, size - HOLE)] }
}

/// End of the memory below the hole.
#[must_use]
pub fn low_end(size: u64) -> u64 {
    size.min(HOLE)
}

/// Registers and interrupt line of virtio device number `index`, or `None` beyond the last.
#[must_use]
pub fn virtio_slot(index: usize) -> Option<(u64, u32)> {
    let index = u32::try_from(index).ok()?;
    let gsi = VIRTIO_GSIS.start.checked_add(index).filter(|gsi| VIRTIO_GSIS.contains(gsi))?;
    Some((VIRTIO + u64::from(index) * VIRTIO_STEP, gsi))
}

#[cfg(test)]
#[path = "layout_test.rs"]
mod tests;
