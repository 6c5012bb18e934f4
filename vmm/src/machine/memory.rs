//! Guest memory.
//!
//! Pages are the host's only once the guest touches them (`MAP_NORESERVE`; nothing is read,
//! written or locked up front, but for what [`super::huge`] fills).

use std::io;

use super::Error;
use crate::arch::Arch;
use crate::{Memory, sys};

const MIB: u64 = 1 << 20;

/// Least memory of a machine.
pub const MIN: u64 = 64 * MIB;

/// Makes `size` bytes of guest memory for a machine of architecture `A`.
///
/// # Errors
/// [`Error`]: the size is not possible, or the host refuses.
pub fn create<A: Arch>(size: u64) -> Result<Memory, Error> {
    check(size, sys::page_size(), sys::host_memory(), A::MEMORY_MAX)?;
    let backing = sys::Backing::new(size)?;
    let mut regions = Vec::with_capacity(2);
    let mut offset = 0;
    for (start, length) in A::ranges(size) {
        regions.push(backing.region(offset, start, length)?);
        offset += length;
    }
    Memory::from_regions(regions)
        .map_err(|error| Error::Memory { call: "memory map", source: io::Error::other(error) })
}

/// `page` is the size of the host's pages, `host` what it has, `most` what a machine can have.
fn check(size: u64, page: u64, host: u64, most: u64) -> Result<(), Error> {
    let too_large = |limit: u64, why| Error::MemoryTooLarge {
        wanted_mib: size / MIB,
        limit_mib: limit / MIB,
        why,
    };
    if size < MIN {
        Err(Error::MemoryTooSmall(size))
    } else if size % page != 0 {
        Err(Error::MemoryUneven { size, page })
    } else if size > host {
        Err(too_large(host, "all that this host has"))
    } else if size > most {
        Err(too_large(most, "the most that a machine can have"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[path = "memory_test.rs"]
mod tests;
