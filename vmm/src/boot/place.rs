//! File contents into guest memory without a detour.
//!
//! The kernel copies from the file straight into the memfd behind guest memory (`sendfile`):
//! about half the time of reading into the mapping, which takes a page fault for each page.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use rustix::io::Errno;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use crate::Memory;

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
        let target = behind.file();
        rustix::fs::seek(target, rustix::fs::SeekFrom::Start(behind.start() + within))?;
        match send(target, file, offset, length) {
            // A file system without this way of reading.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
            Ok(true) => return Ok(()),
            Ok(false) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    let length = usize::try_from(length).map_err(|_| outside())?;
    memory.read_exact_volatile_from(start, &mut file, length).map_err(io::Error::other)
}

/// `Ok(false)`: the file ended early.
fn send(target: &File, file: &File, offset: u64, length: u64) -> Result<bool, Errno> {
    let (mut at, end) = (offset, offset.saturating_add(length));
    while at < end {
        let rest = usize::try_from(end - at).unwrap_or(usize::MAX);
        match rustix::fs::sendfile(target, file, Some(&mut at), rest) {
            Ok(0) => return Ok(false),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
