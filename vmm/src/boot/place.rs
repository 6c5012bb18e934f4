//! File contents into guest memory without a detour: straight into the file behind it, where the
//! host's kernel can do that, and read into it elsewhere.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use crate::{Memory, sys};

/// Copies `length` bytes from `offset` of `file` to guest-physical `address`.
///
/// # Errors
/// The file is shorter, cannot be read, or the addresses are not all in one region of memory.
pub(super) fn place(
    memory: &Memory,
    file: &File,
    offset: u64,
    address: u64,
    length: u64,
) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let outside = || io::Error::from(io::ErrorKind::InvalidInput);
    let start = GuestAddress(address);
    let region = memory.find_region(start).ok_or_else(outside)?;
    let within = address - region.start_addr().0;
    if length > region.len() - within {
        return Err(outside());
    }
    if let Some(behind) = region.file_offset() {
        if sys::copy_file(file, offset, behind.file(), behind.start() + within, length)? {
            return Ok(());
        }
    }
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    let length = usize::try_from(length).map_err(|_| outside())?;
    memory.read_exact_volatile_from(start, &mut file, length).map_err(io::Error::other)
}
