//! Guest memory: one sealed memfd, shared with the processes that serve devices.
//!
//! It is left out of core dumps. Huge pages are asked for, which takes effect where the host's
//! `shmem_enabled` says `advise`; with the default `never` the advice does nothing.

#![expect(unsafe_code, reason = "maps guest memory where huge pages can be, and advises on it")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::Advice;
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryBackend, GuestRegionMmap};

use crate::Memory;
use crate::machine::Error;
use crate::machine::huge::HUGE;

/// The memory of one machine.
pub(crate) struct Backing(Arc<File>);

impl Backing {
    /// `size` bytes of zeros.
    pub(crate) fn new(size: u64) -> Result<Self, Error> {
        memfd(size).map(Backing)
    }

    /// What lies from `offset` on, at guest-physical `start`. The mapping stays for the rest of
    /// the process.
    pub(crate) fn region(
        &self,
        offset: u64,
        start: u64,
        length: u64,
    ) -> Result<GuestRegionMmap, Error> {
        let invalid = || failed("mmap", io::ErrorKind::OutOfMemory.into());
        let size = usize::try_from(length).map_err(|_| invalid())?;
        let pointer = map(&self.0, offset, size).map_err(|error| failed("mmap", error))?;
        advise(pointer, size);
        // SAFETY: these are start and size of a mapping that stays as long as the process.
        let builder = unsafe { MmapRegionBuilder::new(size).with_raw_mmap_pointer(pointer) };
        let mapping = builder
            .with_file_offset(FileOffset::from_arc(Arc::clone(&self.0), offset))
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(libc::MAP_SHARED | libc::MAP_NORESERVE)
            .build()
            .map_err(|error| failed("mmap", io::Error::other(error)))?;
        GuestRegionMmap::new(mapping, GuestAddress(start)).ok_or_else(invalid)
    }
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

/// Maps `size` bytes of `file` from `offset` on, shared, at a multiple of [`HUGE`]. The mapping
/// stays for the rest of the process: a machine's memory is never given up before.
///
/// # Errors
/// What the system says.
fn map(file: &File, offset: u64, size: usize) -> io::Result<*mut u8> {
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

/// Advice only: hosts that do not take it lose nothing.
fn advise(start: *mut u8, length: usize) {
    for advice in [Advice::LinuxDontDump, Advice::LinuxHugepage] {
        // SAFETY: neither advice changes what the mapping contains.
        let _ = unsafe { rustix::mm::madvise(start.cast(), length, advice) };
    }
}

/// Touches the memory from `start` to `end` and makes it huge pages, if the host does that.
pub(crate) fn populate(memory: &Memory, start: u64, end: u64) {
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

fn failed(call: &'static str, source: io::Error) -> Error {
    Error::Memory { call, source }
}
