//! Holes in files where the system makes them of whole blocks only.

/// What to do to make a range of a file read as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// Offset and length of the bytes to overwrite before the blocks; the length may be 0.
    pub before: (u64, u64),
    /// Offset and length of the blocks to free.
    pub blocks: (u64, u64),
    /// Offset and length of the bytes to overwrite behind them.
    pub behind: (u64, u64),
}

/// Takes a range apart along blocks of `block` bytes, 1 or more. Nothing for a range that is empty
/// or goes beyond what a file can have.
#[must_use]
pub fn hole(offset: u64, length: u64, block: u64) -> Option<Hole> {
    let end = offset.checked_add(length).filter(|end| *end <= i64::MAX.unsigned_abs())?;
    if length == 0 || block == 0 {
        return None;
    }
    let first = offset.checked_next_multiple_of(block)?.min(end);
    let last = (end - end % block).max(first);
    Some(Hole {
        before: (offset, first - offset),
        blocks: (first, last - first),
        behind: (last, end - last),
    })
}

#[cfg(test)]
#[path = "hole_test.rs"]
mod tests;
