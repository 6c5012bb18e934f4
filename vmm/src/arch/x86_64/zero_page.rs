//! Linux boot parameters ("zero page", `Documentation/arch/x86/zero-page.rst`).

use vm_memory::{Bytes, GuestAddress, GuestMemoryError};

use super::{layout, memory_map::Entry};
use crate::Memory;

/// Offsets in the page.
const RSDP: usize = 0x70;
const E820_COUNT: usize = 0x1e8;
const E820: usize = 0x2d0;
const HEADER: usize = 0x1f1;
const TYPE_OF_LOADER: usize = 0x210;
const RAMDISK: usize = 0x218;
const COMMAND_LINE: usize = 0x228;
/// The header of the newest protocol ends before this.
const HEADER_END: usize = 0x290;
/// Most map entries that fit.
const E820_MAX: usize = 128;

/// What the boot parameters say.
pub struct ZeroPage<'a> {
    /// The image's own setup header, bytes from offset 0x1f1 of the file.
    pub header: &'a [u8],
    /// The initrd's address and size, both below 4 GiB.
    pub initrd: Option<(u64, u64)>,
    /// ACPI root pointer.
    pub rsdp: u64,
    /// Memory map.
    pub map: &'a [Entry],
}

impl ZeroPage<'_> {
    /// Writes the page; answers its address.
    ///
    /// # Errors
    /// Guest memory does not reach that far.
    pub fn write(&self, memory: &Memory) -> Result<u64, GuestMemoryError> {
        let mut page = vec![0u8; 0x1000];
        let header = &self.header[..self.header.len().min(HEADER_END - HEADER)];
        page[HEADER..HEADER + header.len()].copy_from_slice(header);
        // "No assigned loader": the kernel wants it non-zero.
        page[TYPE_OF_LOADER] = 0xff;
        put(&mut page, RSDP, &self.rsdp.to_le_bytes());
        if let Some((address, size)) = self.initrd {
            put(&mut page, RAMDISK, &low32(address));
            put(&mut page, RAMDISK + 4, &low32(size));
        }
        put(&mut page, COMMAND_LINE, &low32(layout::COMMAND_LINE));
        let map = &self.map[..self.map.len().min(E820_MAX)];
        page[E820_COUNT] = u8::try_from(map.len()).unwrap_or(0);
        for (index, entry) in map.iter().enumerate() {
            let at = E820 + 20 * index;
            put(&mut page, at, &entry.start.to_le_bytes());
            put(&mut page, at + 8, &entry.size.to_le_bytes());
            put(&mut page, at + 16, &(entry.kind as u32).to_le_bytes());
        }
        memory.write_slice(&page, GuestAddress(layout::ZERO_PAGE))?;
        Ok(layout::ZERO_PAGE)
    }
}

fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    page[at..at + bytes.len()].copy_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "callers place these below 4 GiB")]
fn low32(value: u64) -> [u8; 4] {
    (value as u32).to_le_bytes()
}

#[cfg(test)]
#[path = "zero_page_test.rs"]
mod tests;
