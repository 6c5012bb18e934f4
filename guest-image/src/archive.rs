//! An image as one file: a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format") of the
//! files of an image's directory.
//!
//! ```text
//!   manifest.json ── pins by size and SHA-256 ──▶ root.erofs, vmlinux, …
//! ```
//!
//! The manifest is the first, so that whoever knows its digest need not read on where it differs.
//! Any tar can take such an archive apart, but what is read here is less than a tar would take:
//! regular files, each once, by names that are compared to a list and never used as a path.

pub mod fuzzing;

use std::io::{self, Read, Write};

use crate::manifest::MAX_MANIFEST;
use crate::shelf::Shelf;
use crate::{Manifest, files};

/// Headers and contents begin at multiples of so many bytes.
const BLOCK: usize = 512;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It does not begin as one.
    #[error("it is no archive made by `qvm image export`")]
    Format,
    /// A header is damaged.
    #[error("a header in it is damaged")]
    Header,
    /// It has what no image has.
    #[error("it has {0:?}, which no image has")]
    Name(String),
    /// Something else than a regular file.
    #[error("{0} in it is no regular file")]
    Kind(&'static str),
    /// A file twice, or one that the manifest does not list.
    #[error("{0} in it is one too many")]
    Surplus(&'static str),
    /// The manifest is not the first.
    #[error("it does not begin with manifest.json")]
    First,
    /// Too long for a manifest.
    #[error("its manifest.json is over {} MiB", MAX_MANIFEST >> 20)]
    Manifest,
    /// A file's length is not the manifest's.
    #[error("{name} in it has {found} bytes instead of {expected}")]
    Size {
        /// The file.
        name: &'static str,
        /// Bytes that it has.
        found: u64,
        /// Bytes that the manifest gives it.
        expected: u64,
    },
    /// It ends before all is there.
    #[error("it was cut short: {0} is not whole")]
    Short(&'static str),
    /// Reading it, or writing what is in it, failed.
    #[error("cannot copy {name}")]
    Io {
        /// The file.
        name: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A file in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    name: &'static str,
    size: u64,
}

/// Reads the manifest, which is the first file.
///
/// # Errors
/// See [`ArchiveError`].
pub fn manifest(from: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
    let entry = next(from)?.ok_or(ArchiveError::Format)?;
    if entry.name != files::MANIFEST {
        return Err(ArchiveError::First);
    }
    if entry.size > MAX_MANIFEST {
        return Err(ArchiveError::Manifest);
    }
    let mut bytes = Vec::new();
    content(from, entry, &mut bytes)?;
    Ok(bytes)
}

/// Reads the files of `manifest`, which come in any order; `put` is called with each one's name
/// and gives the place for its bytes.
///
/// # Errors
/// See [`ArchiveError`]; what was put is then to be thrown away.
pub fn rest(
    from: &mut dyn Read,
    manifest: &Manifest,
    put: &mut dyn FnMut(&'static str) -> io::Result<Box<dyn Write>>,
) -> Result<(), ArchiveError> {
    let mut missing: Vec<&'static str> =
        Shelf::Images.files().filter(|name| manifest.files.contains_key(*name)).collect();
    while let Some(entry) = next(from)? {
        let at = missing.iter().position(|name| *name == entry.name);
        missing.swap_remove(at.ok_or(ArchiveError::Surplus(entry.name))?);
        let expected = manifest.files.get(entry.name).map_or(0, |file| file.size);
        if entry.size != expected {
            return Err(ArchiveError::Size { name: entry.name, found: entry.size, expected });
        }
        let mut to =
            put(entry.name).map_err(|source| ArchiveError::Io { name: entry.name, source })?;
        content(from, entry, &mut to)?;
    }
    missing.first().map_or(Ok(()), |name| Err(ArchiveError::Short(name)))
}

/// Writes a file: its header, its bytes, and what fills the last block.
///
/// # Errors
/// What reading and writing say, and [`io::ErrorKind::UnexpectedEof`] where `from` has fewer bytes.
pub fn put(to: &mut dyn Write, name: &str, size: u64, from: &mut dyn Read) -> io::Result<()> {
    to.write_all(&header(name, size))?;
    if io::copy(&mut from.take(size), to)? != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    to.write_all(&[0; BLOCK][..padding(size)])
}

/// Ends an archive.
///
/// # Errors
/// What writing says.
pub fn end(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(&[0; 2 * BLOCK])
}

/// The next header; `None` at the end, which some tars mark and others do not.
fn next(from: &mut dyn Read) -> Result<Option<Entry>, ArchiveError> {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    while filled < BLOCK {
        match from.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ArchiveError::Header),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(ArchiveError::Io { name: "the archive", source }),
        }
    }
    if block == [0; BLOCK] {
        return Ok(None);
    }
    // "ustar" and a zero byte, or GNU's "ustar" and a space.
    if &block[257..262] != b"ustar" {
        return Err(ArchiveError::Format);
    }
    if number(&block[148..156]) != Some(checksum(&block)) {
        return Err(ArchiveError::Header);
    }
    let name = text(&block[..100]);
    let known = std::iter::once(files::MANIFEST).chain(Shelf::Images.files());
    let name = { known }
        .find(|known| known.as_bytes() == name)
        .ok_or_else(|| ArchiveError::Name(String::from_utf8_lossy(name).into_owned()))?;
    if !matches!(block[156], b'0' | 0) || block[345] != 0 {
        return Err(ArchiveError::Kind(name));
    }
    let size = number(&block[124..136]).ok_or(ArchiveError::Header)?;
    Ok(Some(Entry { name, size }))
}

/// Copies a file's bytes and passes over what fills its last block.
fn content(from: &mut dyn Read, entry: Entry, to: &mut dyn Write) -> Result<(), ArchiveError> {
    let Entry { name, size } = entry;
    let failed = |source| ArchiveError::Io { name, source };
    if io::copy(&mut Read::take(&mut *from, size), to).map_err(failed)? != size {
        return Err(ArchiveError::Short(name));
    }
    let fill = padding(size) as u64;
    let passed = io::copy(&mut Read::take(&mut *from, fill), &mut io::sink()).map_err(failed)?;
    if passed == fill { Ok(()) } else { Err(ArchiveError::Short(name)) }
}

/// A header. Owner, time and rights are the same for all files, so that the same image is the
/// same archive.
fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut set = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, name.as_bytes());
    set(100, b"0000444\0");
    set(108, b"0000000\0");
    set(116, b"0000000\0");
    // Eleven digits hold up to 8 GiB; what is longer is written in binary, as GNU tar does.
    if size < 1 << 33 {
        set(124, format!("{size:011o}\0").as_bytes());
    } else {
        set(124, &[0x80, 0, 0, 0]);
        set(128, &size.to_be_bytes());
    }
    set(136, b"00000000000\0");
    set(156, b"0");
    set(257, b"ustar\x0000");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The sum of a header's bytes, with spaces in place of the sum.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let counted =
        |(at, byte): (usize, &u8)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte });
    block.iter().enumerate().map(counted).sum()
}

/// A number in a header: octal digits, or binary after a byte of 0x80.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, binary)) = field.split_first() {
        let (high, low) = binary.split_at_checked(binary.len().checked_sub(8)?)?;
        let all_zero = high.iter().all(|byte| *byte == 0);
        return all_zero.then(|| low.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)));
    }
    let digits = std::str::from_utf8(text(field)).ok()?.trim();
    u64::from_str_radix(digits, 8).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A field up to its zero byte.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// How many bytes fill the last block of a file.
fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

#[cfg(test)]
#[path = "archive_test.rs"]
mod tests;
