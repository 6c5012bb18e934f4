//! What boots on arm64: the kernel's `Image`, and the forms in which it is shipped.
//!
//! ```text
//!   vmlinuz ─┬─ "ARM\x64" at 56 ─────────────────────── Image   (Documentation/arch/arm64/booting.rst)
//!            ├─ gzip ──────────────────────── unpack ─▶ Image
//!            └─ "MZ", "zimg" at 4: payload ── unpack ─▶ Image   (EFI zboot: zboot-header.S)
//! ```

use crate::bzimage::{Compression, MAX_KERNEL};

/// Bytes of the header of an `Image`.
pub const HEADER: usize = 64;

const MAGIC: usize = 56;
const IMAGE_SIZE: usize = 16;
const FLAGS: usize = 24;
/// Bit of the flags: the most significant byte of a word is the first.
const BIG_ENDIAN: u64 = 1;

const ZBOOT: usize = 4;
const ZBOOT_OFFSET: usize = 8;
const ZBOOT_SIZE: usize = 12;
const ZBOOT_COMPRESSION: std::ops::Range<usize> = 24..56;

/// A file is no arm64 kernel that can be booted or taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Arm64ImageError {
    /// Neither an `Image` nor what one is made of.
    #[error("the kernel is no arm64 Image")]
    NotImage,
    /// The header points outside of the file.
    #[error("the kernel file is cut off")]
    Truncated,
    /// An unknown compression.
    #[error("the kernel is compressed in a way that is not known here ({0:?})")]
    Compression(String),
    /// The kernel would be larger than any is.
    #[error("the kernel says it has {0} bytes, over the limit of {MAX_KERNEL}")]
    TooLong(u64),
    /// For a processor in another mode.
    #[error("the kernel is for big-endian processors")]
    BigEndian,
}

/// Whether a file that begins like this is an `Image`.
#[must_use]
pub fn is_image(header: &[u8]) -> bool {
    header.get(MAGIC..MAGIC + 4) == Some(b"ARM\x64")
}

/// Finds the `Image` in a file as shipped, or what unpacks to it.
///
/// # Errors
/// See [`Arm64ImageError`].
pub fn contained(file: &[u8]) -> Result<(&[u8], Compression), Arm64ImageError> {
    if is_image(file) {
        return Ok((file, Compression::None));
    }
    if file.starts_with(&[0x1f, 0x8b]) {
        return Ok((file, Compression::Gzip));
    }
    if !file.starts_with(b"MZ") || file.get(ZBOOT..ZBOOT + 4) != Some(b"zimg") {
        return Err(Arm64ImageError::NotImage);
    }
    let (start, size) = (word(file, ZBOOT_OFFSET)?, word(file, ZBOOT_SIZE)?);
    let end = start.checked_add(size).ok_or(Arm64ImageError::Truncated)?;
    let payload = file.get(start..end).ok_or(Arm64ImageError::Truncated)?;
    let name = file.get(ZBOOT_COMPRESSION).ok_or(Arm64ImageError::Truncated)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let compression = match name {
        b"gzip" => Compression::Gzip,
        b"xzkern" | b"xz" => Compression::Xz,
        b"zstd" | b"zstd22" => Compression::Zstd,
        other => {
            return Err(Arm64ImageError::Compression(String::from_utf8_lossy(other).into_owned()));
        }
    };
    Ok((payload, compression))
}

/// Makes sure that a file which begins like this is an `Image` that our machines can load.
///
/// # Errors
/// See [`Arm64ImageError`].
pub fn check(header: &[u8]) -> Result<(), Arm64ImageError> {
    if !is_image(header) {
        return Err(Arm64ImageError::NotImage);
    }
    if long(header, FLAGS)? & BIG_ENDIAN != 0 {
        return Err(Arm64ImageError::BigEndian);
    }
    match long(header, IMAGE_SIZE)? {
        size if size > u64::from(MAX_KERNEL) => Err(Arm64ImageError::TooLong(size)),
        _ => Ok(()),
    }
}

fn word(bytes: &[u8], at: usize) -> Result<usize, Arm64ImageError> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    let word = four.map(u32::from_le_bytes).ok_or(Arm64ImageError::Truncated)?;
    usize::try_from(word).map_err(|_| Arm64ImageError::Truncated)
}

fn long(bytes: &[u8], at: usize) -> Result<u64, Arm64ImageError> {
    let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    eight.map(u64::from_le_bytes).ok_or(Arm64ImageError::Truncated)
}

#[cfg(test)]
#[path = "arm64_image_test.rs"]
mod tests;
