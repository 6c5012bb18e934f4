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
//! A host that does not grant it loses nothing; macOS has nothing of the kind.

use crate::arch::Arch;
use crate::{Memory, sys};

const MIB: u64 = 1 << 20;

/// Size of a huge page in bytes.
pub const HUGE: u64 = 2 * MIB;

/// What the kernel takes of the end of memory beside its table of pages: per-processor data, hash
/// tables, page tables.
const FIRST_ALLOCATIONS: u64 = 4 * MIB;

/// Bytes of memory for each byte of the kernel's table of pages.
const TABLE: u64 = 64;

/// Fills what a kernel of `kernel` bytes with an initrd of `initrd` bytes will fill in a machine's
/// `size` bytes of `memory`, which nothing was written to yet.
pub fn prepare<A: Arch>(memory: &Memory, size: u64, kernel: u64, initrd: u64) {
    for (start, end) in A::filled_by_boot(size, kernel, initrd) {
        sys::populate(memory, start, end);
    }
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
