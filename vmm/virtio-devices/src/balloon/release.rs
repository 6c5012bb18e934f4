//! Giving guest memory back to the host.

use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use crate::{Memory, sys};

/// Frees the host pages that lie entirely within `length` bytes from guest address `address`,
/// and returns their length in bytes.
///
/// Nothing is freed when the range is not guest memory throughout, or runs over the end of its
/// region, or when the host cannot: the range is the guest's word, and freeing is only ever an
/// improvement.
pub(super) fn release(memory: &Memory, address: u64, length: u64) -> u64 {
    free_whole_pages(memory, address, length).unwrap_or(0)
}

fn free_whole_pages(memory: &Memory, address: u64, length: u64) -> Option<u64> {
    let (region, start) = memory.to_region_addr(GuestAddress(address))?;
    let end = start.0.checked_add(length)?;
    if end > region.len() {
        return None;
    }
    sys::release(region, start.0, end)
}
