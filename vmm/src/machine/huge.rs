//! Huge pages for the part of guest memory that every boot fills.
//!
//! The first touch of each page by the guest is an exit and a fault on the host; with huge pages
//! it is one for 512 of them. Hosts keep memory files out of that by default (`shmem_enabled` is
//! `never`), but grant it to a range that is asked for (`MADV_COLLAPSE`, Linux 6.1). To ask for
//! everything would be to take all of the machine's memory at once, so it is for what a Linux
//! kernel fills in any case:
//!
//! ```text
//!         …  the kernel's image
//!       …    left alone: pages come as they are touched
//!     end −  the table of pages (64 bytes for each), first allocations, the initrd
//! ```
//!
//! A host that does not grant it loses nothing.
#![expect(unsafe_code, reason = "maps guest memory at an address that huge pages can have")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

use crate::Memory;
use crate::arch::Arch;

const MIB: u64 = 1 << 20;

/// Size of a huge page in bytes.
const HUGE: u64 = 2 * MIB;

/// What the kernel takes of the end of memory beside its table of pages: per-processor data, hash
/// tables, page tables.
const FIRST_ALLOCATIONS: u64 = 4 * MIB;

/// Bytes of memory for each byte of the kernel's table of pages.
const TABLE: u64 = 64;

/// Maps `size` bytes of `file` from `offset` on, shared, at a multiple of [`HUGE`]. The mapping
/// stays for the rest of the process: a machine's memory is never given up before.
///
/// # Errors
/// What the system says.
pub fn map(file: &File, offset: u64, size: usize) -> io::Result<*mut u8> {
    let huge = usize::try_from(HUGE).map_err(io::Error::other)?;
    let room = size.checked_add(huge).ok_or(io::ErrorKind::OutOfMemory)?;
    let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    let reserved = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address that the system chooses.
    let start = unsafe { libc::mmap(ptr::null_mut(), room, libc::PROT_NONE, reserved, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let before = start.align_offset(huge).min(huge);
    let aligned = start.wrapping_byte_add(before);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let shared = libc::MAP_SHARED | libc::MAP_NORESERVE | libc::MAP_FIXED;
    // SAFETY: it replaces a part of the mapping above, which nobody else knows of.
    let mapped = unsafe { libc::mmap(aligned, size, access, shared, file.as_raw_fd(), offset) };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let after = aligned.wrapping_byte_add(size);
    for (rest, length) in [(start, before), (after, huge - before)] {
        if length > 0 {
            // SAFETY: what is left of the first mapping, on either side.
            unsafe { libc::munmap(rest, length) };
        }
    }
    Ok(mapped.cast())
}

/// Fills what a kernel of `kernel` bytes with an initrd of `initrd` bytes will fill in a machine's
/// `size` bytes of `memory`, which nothing was written to yet.
pub fn prepare<A: Arch>(memory: &Memory, size: u64, kernel: u64, initrd: u64) {
    for (start, end) in A::filled_by_boot(size, kernel, initrd) {
        collapse(memory, start, end);
    }
}

/// Makes the memory from `start` to `end` huge pages, if the host does that.
fn collapse(memory: &Memory, start: u64, end: u64) {
    let mut at = start;
    while at < end {
        // Two megabytes without any page are passed over.
        if memory.write_obj(0u8, GuestAddress(at)).is_err() {
            return;
        }
        at += HUGE;
    }
    let Ok(length) = usize::try_from(end - start) else {
        return;
    };
    let Ok(slice) = memory.get_slice(GuestAddress(start), length) else {
        return;
    };
    let pointer = slice.ptr_guard_mut().as_ptr();
    // In one call, each of which has all processors of the host put their lists in order.
    // SAFETY: the range is mapped, and the call changes which pages hold it, not what they hold.
    let _ = unsafe { libc::madvise(pointer.cast(), length, libc::MADV_COLLAPSE) };
}

/// Bytes in whole huge pages.
#[must_use]
pub fn whole(length: u64) -> u64 {
    length.div_ceil(HUGE).saturating_mul(HUGE)
}

/// What the kernel fills at the end of a machine's `size` bytes: its table of pages and its first
/// allocations.
#[must_use]
pub fn table(size: u64) -> u64 {
    whole(size / TABLE + FIRST_ALLOCATIONS)
}

/// The last `length` bytes, a multiple of [`HUGE`], of a range of memory.
#[must_use]
pub fn end_of((start, end): (u64, u64), length: u64) -> (u64, u64) {
    let end = end / HUGE * HUGE;
    (end.saturating_sub(length).max(start), end)
}

/// Spans that begin in order, without what is empty: where memory is short they would meet.
#[must_use]
pub fn in_order(mut spans: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    spans.retain(|(start, end)| start < end);
    for next in 1..spans.len() {
        spans[next].0 = spans[next].0.max(spans[next - 1].1);
    }
    spans.retain(|(start, end)| start < end);
    spans
}

#[cfg(test)]
#[path = "huge_test.rs"]
mod tests;
