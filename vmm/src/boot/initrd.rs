//! Initial RAM file systems: any number of archives, one after the other at the top of memory.

use std::fs::File;

use super::{Error, file_length, place::place, too_little};
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
        return Err(too_little(size, floor.saturating_add(total.saturating_mul(2))));
    }
    let mut at = start;
    for (file, (length, padded)) in files.iter().zip(lengths) {
        place(memory, file, 0, at, length).map_err(|source| Error::Read { what: WHAT, source })?;
        at += padded;
    }
    Ok(Some((start, total)))
}
