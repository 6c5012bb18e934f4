//! Finds the compressed kernel inside an x86 bzImage
//! (Linux, Documentation/arch/x86/boot.rst, fields `payload_offset` and `payload_length`).

/// Longest kernel that comes out of a payload, in bytes. Debian's is 57 MB.
pub const MAX_KERNEL: u32 = 512 << 20;

const SETUP_SECTS: usize = 0x1f1;
const MAGIC: usize = 0x202;
const VERSION: usize = 0x206;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: the payload is the kernel.
    None,
    /// Zstandard.
    Zstd,
    /// XZ, with the x86 filter.
    Xz,
    /// Gzip.
    Gzip,
}

/// The compressed kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Its bytes, without the length that follows them.
    pub bytes: &'a [u8],
    /// How they are compressed.
    pub compression: Compression,
    /// Length of the kernel that comes out, in bytes; at most 512 MiB.
    pub length: u32,
}

/// A file is no bzImage that can be taken apart.
#[derive(Debug, thiserror::Error)]
pub enum BzImageError {
    /// The boot header is not there, or older than protocol 2.08 of 2007.
    #[error("the kernel is no x86 bzImage")]
    NotBzImage,
    /// The header points outside of the file.
    #[error("the kernel file is cut off")]
    Truncated,
    /// An unknown compression.
    #[error("the kernel is compressed in a way that is not known here (begins with {0:02x?})")]
    Compression([u8; 4]),
    /// The kernel would be larger than any is.
    #[error("the kernel says it has {0} bytes, over the limit of {MAX_KERNEL}")]
    TooLong(u32),
}

/// Finds the payload of a bzImage.
///
/// # Errors
/// See [`BzImageError`].
pub fn payload(image: &[u8]) -> Result<Payload<'_>, BzImageError> {
    let magic = image.get(MAGIC..MAGIC + 4).ok_or(BzImageError::NotBzImage)?;
    let version = image.get(VERSION..VERSION + 2).ok_or(BzImageError::NotBzImage)?;
    if magic != b"HdrS" || u16::from_le_bytes([version[0], version[1]]) < 0x208 {
        return Err(BzImageError::NotBzImage);
    }
    let sectors = match image.get(SETUP_SECTS) {
        Some(0) => 4,
        Some(&n) => usize::from(n),
        None => return Err(BzImageError::NotBzImage),
    };
    let offset = word(image, PAYLOAD_OFFSET)? as usize;
    let length = word(image, PAYLOAD_LENGTH)? as usize;
    let start = ((sectors + 1) * 512).checked_add(offset).ok_or(BzImageError::Truncated)?;
    let end = start.checked_add(length).ok_or(BzImageError::Truncated)?;
    let bytes = image.get(start..end).ok_or(BzImageError::Truncated)?;
    let head: [u8; 4] =
        bytes.get(..4).and_then(|b| b.try_into().ok()).ok_or(BzImageError::Truncated)?;
    let compression = match head {
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X'] => Compression::Xz,
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x7f, b'E', b'L', b'F'] => {
            let length = u32::try_from(length).map_err(|_| BzImageError::Truncated)?;
            return Ok(Payload { bytes, compression: Compression::None, length });
        }
        other => return Err(BzImageError::Compression(other)),
    };
    // The kernel's build appends the length of what comes out; gzip ends with it by itself.
    let tail = bytes.len().checked_sub(4).ok_or(BzImageError::Truncated)?;
    let length = word(bytes, tail)?;
    if length > MAX_KERNEL {
        return Err(BzImageError::TooLong(length));
    }
    let bytes = if compression == Compression::Gzip { bytes } else { &bytes[..tail] };
    Ok(Payload { bytes, compression, length })
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BzImageError> {
    let end = at.checked_add(4).ok_or(BzImageError::Truncated)?;
    let four = bytes.get(at..end).and_then(|b| b.try_into().ok()).ok_or(BzImageError::Truncated)?;
    Ok(u32::from_le_bytes(four))
}

#[cfg(test)]
#[path = "bzimage_test.rs"]
mod tests;
