//! Guest memory: one sealed memfd, shared with the processes that serve devices.
//!
//! Pages are the host's only once the guest touches them (`MAP_NORESERVE`; nothing is read,
//! written or locked up front, but for what [`super::huge`] fills). They are left out of core dumps.
//! Huge pages are asked for, which takes effect where the host's `shmem_enabled` says `advise`;
//! with the default `never` the advice does nothing.

#![expect(unsafe_code, reason = "makes regions of mappings and advises on them")]

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::Advice;
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{FileOffset, GuestAddress, GuestMemoryBackend, GuestMemoryRegion, GuestRegionMmap};

use super::{Error, huge};
use crate::Memory;
use crate::arch::Arch;

const MIB: u64 = 1 << 20;

/// Least memory of a machine.
pub const MIN: u64 = 64 * MIB;

/// Makes `size` bytes of guest memory for a machine of architecture `A`.
///
/// # Errors
/// [`Error`]: the size is not possible, or the host refuses.
pub fn create<A: Arch>(size: u64) -> Result<Memory, Error> {
    check(size, host_memory(), A::MEMORY_MAX)?;
    let file = memfd(size)?;
    let mut regions = Vec::with_capacity(2);
    let mut offset = 0;
    for (start, length) in A::ranges(size) {
        regions.push(region(&file, offset, start, length)?);
        offset += length;
    }
    let memory = Memory::from_regions(regions)
        .map_err(|error| failed("guest memory map", io::Error::other(error)))?;
    advise(&memory);
    Ok(memory)
}

fn check(size: u64, host: u64, most: u64) -> Result<(), Error> {
    let too_large = |limit: u64, why| Error::MemoryTooLarge {
        wanted_mib: size / MIB,
        limit_mib: limit / MIB,
        why,
    };
    if size < MIN {
        Err(Error::MemoryTooSmall(size))
    } else if size % 4096 != 0 {
        Err(Error::MemoryUneven(size))
    } else if size > host {
        Err(too_large(host, "all that this host has"))
    } else if size > most {
        Err(too_large(most, "the most that a machine can have"))
    } else {
        Ok(())
    }
}

/// Bytes of memory and swap space that the host has, free or not.
fn host_memory() -> u64 {
    let info = rustix::system::sysinfo();
    let units = info.totalram.saturating_add(info.totalswap);
    units.saturating_mul(u64::from(info.mem_unit).max(1))
}

fn memfd(size: u64) -> Result<Arc<File>, Error> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("guest-memory", flags)
        .map_err(|error| failed("memfd_create", error.into()))?;
    rustix::fs::ftruncate(&fd, size).map_err(|error| failed("ftruncate", error.into()))?;
    // Whoever gets this descriptor cannot make the mappings of the others fault.
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&fd, seals).map_err(|error| failed("F_ADD_SEALS", error.into()))?;
    Ok(Arc::new(fd.into()))
}

fn region(
    file: &Arc<File>,
    offset: u64,
    start: u64,
    length: u64,
) -> Result<GuestRegionMmap, Error> {
    let invalid = || failed("mmap", io::ErrorKind::OutOfMemory.into());
    let size = usize::try_from(length).map_err(|_| invalid())?;
    let start_pointer = huge::map(file, offset, size).map_err(|error| failed("mmap", error))?;
    // SAFETY: these are start and size of a mapping that stays as long as the process.
    let builder = unsafe { MmapRegionBuilder::new(size).with_raw_mmap_pointer(start_pointer) };
    let mapping = builder
        .with_file_offset(FileOffset::from_arc(Arc::clone(file), offset))
        .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
        .with_mmap_flags(libc::MAP_SHARED | libc::MAP_NORESERVE)
        .build()
        .map_err(|error| failed("mmap", io::Error::other(error)))?;
    GuestRegionMmap::new(mapping, GuestAddress(start)).ok_or_else(invalid)
}

/// Advice only: hosts that do not take it lose nothing.
fn advise(memory: &Memory) {
    for region in memory.iter() {
        let Ok(length) = usize::try_from(region.len()) else {
            continue;
        };
        for advice in [Advice::LinuxDontDump, Advice::LinuxHugepage] {
            // SAFETY: neither advice changes what the mapping contains.
            let _ = unsafe { rustix::mm::madvise(region.as_ptr().cast(), length, advice) };
        }
    }
}

fn failed(call: &'static str, source: io::Error) -> Error {
    Error::Memory { call, source }
}

#[cfg(test)]
#[path = "memory_test.rs"]
mod tests;
