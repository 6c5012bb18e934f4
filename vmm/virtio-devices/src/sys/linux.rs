//! Linux.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::rand::GetRandomFlags;

/// Fills `data` from the kernel's generator, waiting for it to be seeded.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    let mut left = data;
    while !left.is_empty() {
        match rustix::rand::getrandom(&mut *left, GetRandomFlags::empty()) {
            Ok(count) => left = left.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Gives `length` bytes of a memory file from `offset` on back to the host. They read as zero
/// afterwards, in every mapping.
pub(crate) fn punch_hole(file: impl AsFd, offset: u64, length: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(rustix::fs::fallocate(file, flags, offset, length)?)
}

/// A file of `length` zeros that is in memory only.
pub(crate) fn memory_file(name: &str, length: u64) -> io::Result<File> {
    let file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.set_len(length)?;
    Ok(file)
}

/// Bytes of a page of the host.
pub(crate) fn page_size() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}
