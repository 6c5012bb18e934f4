//! x86-64: memory layout, boot state, firmware tables.

pub mod acpi;
pub mod layout;
pub mod memory_map;
pub mod pvh;
pub mod reset_vector;
pub mod tables;
pub mod zero_page;

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
