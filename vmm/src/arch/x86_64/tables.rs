//! Descriptor table and page tables for the kernel's first instructions.

use vm_memory::{Bytes, GuestAddress};

use super::layout;
use crate::Memory;

/// Code segment selector (Linux: `__BOOT_CS`).
pub const CODE: u16 = 0x10;
/// Data segment selector (Linux: `__BOOT_DS`).
pub const DATA: u16 = 0x18;
/// Task segment selector.
pub const TASK: u16 = 0x20;
/// Limit of the table: five descriptors.
pub const GDT_LIMIT: u16 = 5 * 8 - 1;

/// Flat descriptors; the code segment is 64-bit when `long`.
fn descriptors(long: bool) -> [u64; 5] {
    let code = if long { 0x00af_9b00_0000_ffff } else { 0x00cf_9b00_0000_ffff };
    [0, 0, code, 0x00cf_9300_0000_ffff, 0x008f_8b00_0000_ffff]
}

/// Writes the descriptor table.
///
/// # Errors
/// Guest memory does not reach that far.
pub fn write_gdt(memory: &Memory, long: bool) -> Result<(), vm_memory::GuestMemoryError> {
    let mut bytes = [0u8; 40];
    for (slot, descriptor) in bytes.chunks_exact_mut(8).zip(descriptors(long)) {
        slot.copy_from_slice(&descriptor.to_le_bytes());
    }
    memory.write_slice(&bytes, GuestAddress(layout::GDT))
}

/// Maps the first GiB onto itself in 2 MiB pages.
///
/// # Errors
/// Guest memory does not reach that far.
pub fn write_page_tables(memory: &Memory) -> Result<(), vm_memory::GuestMemoryError> {
    const PRESENT_WRITABLE: u64 = 3;
    const LARGE: u64 = 1 << 7;
    let page = 0x1000;
    let (top, middle) = (layout::PAGE_TABLES, layout::PAGE_TABLES + page);
    let bottom = middle + page;
    memory.write_obj(middle | PRESENT_WRITABLE, GuestAddress(top))?;
    memory.write_obj(bottom | PRESENT_WRITABLE, GuestAddress(middle))?;
    let mut bytes = Vec::with_capacity(0x1000);
    for index in 0..512u64 {
        bytes.extend_from_slice(&(index << 21 | LARGE | PRESENT_WRITABLE).to_le_bytes());
    }
    memory.write_slice(&bytes, GuestAddress(bottom))
}

#[cfg(test)]
#[path = "tables_test.rs"]
mod tests;
