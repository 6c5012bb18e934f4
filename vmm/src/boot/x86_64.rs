//! Kernels for x86-64: uncompressed ELF images with a PVH note, and bzImages.

use std::fs::File;

use super::{
    Error, KERNEL_MAX, Payload, bzimage, cmdline, elf, file_length, identify, initrd, read_at,
    read_kernel,
};
use crate::Memory;
use crate::arch::x86_64::{
    BootEntry, acpi, layout, memory_map, pvh, reset_vector, tables as boot_tables, zero_page,
};

/// What can be started.
const WANTED: &str = "an x86-64 Linux bzImage (vmlinuz) or an uncompressed vmlinux with a PVH note";

/// A kernel image in guest memory.
pub struct Kernel {
    /// Where it starts.
    pub start: Start,
    /// First address that the kernel does not use before it has read its memory map.
    pub end: u64,
    /// Highest address, exclusive, at which it can reach its initrd.
    pub initrd_limit: u64,
}

/// How a loaded kernel is entered.
pub enum Start {
    /// By its PVH entry.
    Pvh {
        /// Guest-physical address.
        address: u64,
    },
    /// By its 64-bit entry, with its setup header in the boot parameters.
    Linux64 {
        /// Guest-physical address.
        address: u64,
        /// The header's bytes, from 0x1f1 of the file.
        header: Vec<u8>,
    },
}

/// Loads everything into `memory`, a machine's `size` bytes, and answers where to start.
///
/// # Errors
/// [`Error`].
pub fn load(memory: &Memory, size: u64, payload: Payload<'_>) -> Result<BootEntry, Error> {
    let kernel = load_kernel(memory, size, payload.kernel)?;
    let limit = kernel.initrd_limit.min(layout::low_end(size));
    let initrd = initrd::load(memory, size, payload.initrd, kernel.end, limit)?;
    cmdline::write(memory, payload.cmdline, layout::COMMAND_LINE)?;
    let tables = acpi::Description { cpus: payload.cpus, virtio: payload.virtio.to_vec() };
    let rsdp = acpi::write(memory, &tables)?;
    reset_vector::write(memory)?;
    let map = memory_map::entries(size);
    match kernel.start {
        Start::Pvh { address } => {
            boot_tables::write_gdt(memory, false)?;
            let start_info = pvh::StartInfo { initrd, rsdp, map: &map }.write(memory)?;
            Ok(BootEntry::Pvh { address, start_info })
        }
        Start::Linux64 { address, header } => {
            boot_tables::write_gdt(memory, true)?;
            boot_tables::write_page_tables(memory)?;
            let page = zero_page::ZeroPage { header: &header, initrd, rsdp, map: &map };
            Ok(BootEntry::Linux64 { address, boot_params: page.write(memory)? })
        }
    }
}

/// Loads a kernel of either kind.
///
/// # Errors
/// [`Error`].
pub fn load_kernel(memory: &Memory, size: u64, kernel: &mut File) -> Result<Kernel, Error> {
    let length = file_length(kernel, "the kernel")?;
    if length > KERNEL_MAX {
        return Err(not_a_kernel(format!("a file of {} MiB", length >> 20)));
    }
    let mut head = [0u8; bzimage::HEAD];
    let read = read_at(kernel, &mut head, 0).map_err(read_kernel)?;
    let head = &head[..read];
    if head.starts_with(b"\x7fELF") {
        elf::load(memory, size, &*kernel, length)
    } else if bzimage::is_one(head) {
        bzimage::load(memory, size, kernel, length, head)
    } else {
        Err(not_a_kernel(identify(head)))
    }
}

/// The error of a kernel file that holds something else.
pub(super) fn not_a_kernel(found: impl Into<String>) -> Error {
    Error::NotAKernel { found: found.into(), wanted: WANTED }
}

#[cfg(test)]
#[path = "x86_64_test.rs"]
mod tests;
