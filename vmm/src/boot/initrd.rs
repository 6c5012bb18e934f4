//! Initial RAM file systems: any number of archives, one after the other at the top of memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use vm_memory::{GuestAddress, GuestMemoryBackend, VolatileSlice};

use super::{Error, file_length, too_little};
use crate::Memory;

/// The kernel looks for the next archive at multiples of this; zeros between are skipped.
const ALIGN: u64 = 4;
const PAGE: u64 = 4096;
const WHAT: &str = "the initrd";

/// Loads `files` as high as they fit below `limit` and above `floor`; answers where they are,
/// or `None` if there are none.
///
/// # Errors
/// [`Error::TooLittleMemory`], [`Error::Read`].
pub fn load(
    memory: &Memory,
    size: u64,
    files: &[File],
    floor: u64,
    limit: u64,
) -> Result<Option<(u64, u64)>, Error> {
    let mut lengths = Vec::with_capacity(files.len());
    let mut total = 0u64;
    for file in files {
        let length = file_length(file, WHAT)?;
        let padded = length.checked_next_multiple_of(ALIGN).unwrap_or(u64::MAX);
        total = total.saturating_add(padded);
        lengths.push((length, padded));
    }
    if total == 0 {
        return Ok(None);
    }
    let start = limit.saturating_sub(total) / PAGE * PAGE;
    if total > limit || start < floor {
        // Twice the initrd, because it is unpacked into memory, too.
        return Err(too_little(
            size,
            floor.saturating_add(total.saturating_mul(2)),
        ));
    }
    let mut at = start;
    for (file, (length, padded)) in files.iter().zip(lengths) {
        read_into(memory, file, at, length)?;
        at += padded;
    }
    Ok(Some((start, total)))
}

/// Reads `length` bytes of `file` straight into guest memory.
fn read_into(memory: &Memory, file: &File, address: u64, length: u64) -> Result<(), Error> {
    let mut done = 0u64;
    for slice in memory.get_slices(GuestAddress(address), usize::try_from(length).unwrap_or(0)) {
        let slice = slice?;
        read_slice(file, &slice, done)?;
        done += slice.len() as u64;
    }
    Ok(())
}

fn read_slice(file: &File, slice: &VolatileSlice<'_>, offset: u64) -> Result<(), Error> {
    let fail = |source| Error::Read { what: WHAT, source };
    let mut done = 0;
    while done < slice.len() {
        let rest = slice
            .offset(done)
            .map_err(|error| fail(std::io::Error::other(error)))?;
        match pread(file, &rest, offset + done as u64) {
            Ok(0) => return Err(fail(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => done += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error)),
        }
    }
    Ok(())
}

#[expect(
    unsafe_code,
    reason = "reads a file into memory that is not a Rust slice's own"
)]
fn pread(file: &File, slice: &VolatileSlice<'_>, offset: u64) -> std::io::Result<usize> {
    let guard = slice.ptr_guard_mut();
    // SAFETY: the range is mapped while `memory` lives. No guest runs yet and no other reference
    // to it exists, so that it may be seen as a plain slice for the length of this call.
    let bytes = unsafe { std::slice::from_raw_parts_mut(guard.as_ptr(), slice.len()) };
    file.read_at(bytes, offset)
}
