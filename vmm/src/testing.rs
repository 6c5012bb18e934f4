//! Pieces that several tests use.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
pub mod aarch64;
pub mod fdt;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

/// Code for this machine's processor.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
pub use aarch64 as code;
/// Code for this machine's processor.
#[cfg(target_arch = "x86_64")]
pub use x86_64 as code;
#[cfg(target_arch = "x86_64")]
pub use x86_64::memory;

use std::fs::File;
use std::io::Write;

use vm_memory::GuestAddress;

use crate::Memory;

/// Plain memory of an aarch64 machine.
pub fn aarch64_memory(size: u64) -> Memory {
    let start = GuestAddress(crate::arch::aarch64::layout::MEMORY);
    Memory::from_ranges(&[(start, size as usize)]).unwrap()
}

/// A file without a name.
pub fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// An aarch64 `Image` whose text is `code`, at this offset, with a page of zeros at its end.
pub fn aarch64_kernel(text_offset: u64, code: &[u8]) -> Vec<u8> {
    // A jump over the header, which its first eight bytes are for.
    let mut image = vec![0x10, 0, 0, 0x14, 0, 0, 0, 0];
    let size = 64 + code.len() as u64 + 4096;
    for word in [text_offset, size, 0xa, 0, 0, 0] {
        image.extend_from_slice(&word.to_le_bytes());
    }
    image.extend_from_slice(b"ARM\x64\0\0\0\0");
    image.extend_from_slice(code);
    image
}

/// An ELF image with one segment of `code` at `address` and a PVH note for `entry`.
pub fn elf_kernel(address: u64, entry: u32, code: &[u8]) -> Vec<u8> {
    let note_at = 64 + 2 * 56;
    let code_at = note_at + 20;
    let mut image = Vec::new();
    image.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.extend_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [0x10_0000u64, 64, 0] {
        image.extend_from_slice(&word.to_le_bytes());
    }
    image.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let mut header = |kind: u32, offset: usize, address: u64, size: usize| {
        image.extend_from_slice(&kind.to_le_bytes());
        image.extend_from_slice(&7u32.to_le_bytes());
        for word in [offset as u64, address, address, size as u64, size as u64, 4] {
            image.extend_from_slice(&word.to_le_bytes());
        }
    };
    header(4, note_at, 0, 20);
    header(1, code_at, address, code.len());
    for word in [4u32, 4, 18] {
        image.extend_from_slice(&word.to_le_bytes());
    }
    image.extend_from_slice(b"Xen\0");
    image.extend_from_slice(&entry.to_le_bytes());
    image.extend_from_slice(code);
    image
}

/// This machine's `/dev/kvm`, or `None` with the reason printed.
#[cfg(target_os = "linux")]
pub fn kvm() -> Option<std::os::fd::OwnedFd> {
    match std::fs::File::options().read(true).write(true).open("/dev/kvm") {
        Ok(file) => Some(file.into()),
        Err(error) => {
            println!("skipped: /dev/kvm cannot be opened: {error}");
            None
        }
    }
}
