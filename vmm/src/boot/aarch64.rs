//! Kernels for aarch64: the uncompressed `Image` (Linux `Documentation/arch/arm64/booting.rst`).
//!
//! ```text
//!     1 GiB  device tree
//!   + 2 MiB  kernel, its text_offset further up, image_size long
//!         …
//!       end  initrd, within 32 GiB of the kernel
//! ```

use std::fs::File;

use vm_memory::{Bytes, GuestAddress};

use super::{
    Error, KERNEL_MAX, Payload, cmdline, file_length, identify, initrd, place::place, read_at,
    read_kernel, too_little,
};
use crate::Memory;
use crate::arch::aarch64::device_tree::{self, DeviceTree};
use crate::arch::aarch64::{BootEntry, layout};

/// What can be started.
const WANTED: &str =
    "an uncompressed aarch64 Linux Image (arch/arm64/boot/Image; gunzip a compressed one)";

/// Bytes of the file that are looked at to say what it is; the header is the first 64.
const HEAD: usize = 0x290;
const HEADER: usize = 64;
const TEXT_OFFSET: usize = 8;
const IMAGE_SIZE: usize = 16;
const FLAGS: usize = 24;
const MAGIC: (usize, &[u8]) = (56, b"ARM\x64");

const FLAG_BIG_ENDIAN: u64 = 1;
/// The kernel is placed this far from a multiple of 2 MiB at most, and by whole pages.
const TEXT_OFFSET_MAX: u64 = 2 << 20;
const PAGE: u64 = 4096;
/// Largest kernel in memory, with what is zero in it.
const IMAGE_MAX: u64 = 2 * KERNEL_MAX;

/// A kernel image in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Guest-physical address of its first instruction.
    pub start: u64,
    /// First address that it does not use before it has read its memory map.
    pub end: u64,
}

/// Loads everything into `memory`, a machine's `size` bytes, and answers where to start.
///
/// # Errors
/// [`Error`].
pub fn load(memory: &Memory, size: u64, payload: Payload<'_>) -> Result<BootEntry, Error> {
    cmdline::check(payload.cmdline)?;
    let kernel = load_kernel(memory, size, payload.kernel)?;
    let limit = (layout::MEMORY + size).min(layout::INITRD_END);
    let initrd = initrd::load(memory, size, payload.initrd, kernel.end, limit)?;
    let mut seed = [0; device_tree::SEED];
    crate::sys::fill_random(&mut seed).map_err(Error::Random)?;
    let tree = DeviceTree {
        memory: size,
        cpus: payload.cpus,
        cmdline: payload.cmdline,
        initrd,
        virtio: payload.virtio,
        seed,
    };
    memory.write_slice(&tree.write()?, GuestAddress(layout::DEVICE_TREE))?;
    Ok(BootEntry { address: kernel.start, device_tree: layout::DEVICE_TREE })
}

/// Loads a kernel.
///
/// # Errors
/// [`Error`].
pub fn load_kernel(memory: &Memory, size: u64, kernel: &mut File) -> Result<Kernel, Error> {
    let length = file_length(kernel, "the kernel")?;
    if length > KERNEL_MAX {
        return Err(not_a_kernel(format!("a file of {} MiB", length >> 20)));
    }
    let mut head = [0u8; HEAD];
    let read = read_at(kernel, &mut head, 0).map_err(read_kernel)?;
    let head = &head[..read];
    let (at, magic) = MAGIC;
    if head.len() < HEADER || !head[at..].starts_with(magic) {
        return Err(not_a_kernel(elf(head).unwrap_or_else(|| identify(head))));
    }
    if u64_at(head, FLAGS) & FLAG_BIG_ENDIAN != 0 {
        return Err(not_a_kernel("a big-endian kernel"));
    }
    let (offset, image) = (u64_at(head, TEXT_OFFSET), u64_at(head, IMAGE_SIZE));
    if image == 0 {
        return Err(not_a_kernel("a kernel older than Linux 3.17"));
    }
    if image > IMAGE_MAX {
        return Err(Error::Corrupt("its size is no kernel's"));
    }
    if offset >= TEXT_OFFSET_MAX || offset % PAGE != 0 {
        return Err(Error::Corrupt("its text offset is not within 2 MiB"));
    }
    let start = layout::KERNEL + offset;
    // The image without what it only needs zeroed is in the file; a signature may follow.
    let end = start.saturating_add(image.max(length));
    if end > layout::MEMORY + size {
        return Err(too_little(size, end - layout::MEMORY));
    }
    place(memory, kernel, 0, start, length).map_err(read_kernel)?;
    Ok(Kernel { start, end })
}

/// An ELF file, whoever it is for.
fn elf(head: &[u8]) -> Option<&'static str> {
    const AARCH64: [u8; 2] = [183, 0];
    let machine = head.starts_with(b"\x7fELF").then(|| head.get(18..20))?;
    Some(match machine {
        Some(machine) if machine == AARCH64 => "an aarch64 ELF file (vmlinux, or a program)",
        _ => "an ELF file for another processor",
    })
}

fn not_a_kernel(found: impl Into<String>) -> Error {
    Error::NotAKernel { found: found.into(), wanted: WANTED }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
#[path = "aarch64_test.rs"]
mod tests;
