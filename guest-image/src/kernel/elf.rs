//! What a kernel file is: for which processor, and whether it has the entry that qvm's machines
//! use.
//!
//! ```text
//!   ELF header ── program headers ─┬─ PT_NOTE: XEN_ELFNOTE_PHYS32_ENTRY?   (CONFIG_PVH)
//!                                  └─ PT_LOAD: IKCFG_ST gzip… IKCFG_ED     (CONFIG_IKCONFIG)
//! ```
//!
//! An arm64 kernel is an `Image` (see [`arm64_image`]) and loaded whole. All that the file says is
//! checked; work and memory are bounded whatever it says.

use std::io::{self, Read, Seek, SeekFrom};

use super::embedded;
use crate::{Arch, arm64_image};

/// Most that is looked at, in bytes: what a machine would load.
const MAX_LOADED: u64 = 512 << 20;
/// A kernel has about five program headers.
const MAX_SEGMENTS: u16 = 64;
/// A kernel's notes are a few hundred bytes.
const MAX_NOTES: u64 = 64 << 10;

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const NOTE_HEADER: usize = 12;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
/// Type of the note that holds the entry (Xen `public/elfnote.h`).
const PHYS32_ENTRY: u32 = 18;
/// `e_machine` of the processors that are told apart by name.
const MACHINES: [(u16, &str); 4] =
    [(62, "x86_64"), (183, "aarch64"), (243, "riscv64"), (3, "32-bit x86")];

/// Why a file is refused, without its name.
#[derive(Debug)]
pub enum Refusal {
    Io(io::Error),
    Kind(&'static str),
    Corrupt(&'static str),
    Machine(String),
    NoEntry,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Looks into a file; answers with its configuration, compressed, if it has one.
pub fn inspect(file: &mut (impl Read + Seek), arch: Arch) -> Result<Option<Vec<u8>>, Refusal> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut header = [0u8; HEADER];
    let got = read_at(file, 0, &mut header)?;
    if arm64_image::is_image(&header[..got]) {
        if arch != Arch::Aarch64 {
            return Err(Refusal::Machine(Arch::Aarch64.to_string()));
        }
        arm64_image::check(&header)
            .map_err(|_| Refusal::Corrupt("it is too large, or for big-endian processors"))?;
        return Ok(embedded::find(file, &[(0, length.min(MAX_LOADED))])?);
    }
    let segments = segments(file, length, &header[..got], arch.name())?;
    if arch == Arch::Aarch64 {
        return Err(Refusal::Kind("it is an ELF file (vmlinux)"));
    }
    if !has_entry(file, &segments)? {
        return Err(Refusal::NoEntry);
    }
    let loaded: Vec<_> =
        segments.iter().filter(|s| s.kind == PT_LOAD).map(Segment::range).collect();
    Ok(embedded::find(file, &loaded)?)
}

/// A program header.
struct Segment {
    kind: u32,
    offset: u64,
    size: u64,
}

impl Segment {
    fn range(&self) -> (u64, u64) {
        (self.offset, self.size)
    }
}

fn segments(
    file: &mut (impl Read + Seek),
    length: u64,
    header: &[u8],
    arch: &str,
) -> Result<Vec<Segment>, Refusal> {
    if !header.starts_with(b"\x7fELF") {
        return Err(Refusal::Kind(match header {
            [] => "it is empty",
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0xfd, b'7', ..] => {
                "it is compressed"
            }
            [b'M', b'Z', ..] => "it is an image that unpacks itself (bzImage, or EFI)",
            _ => "it is something else",
        }));
    }
    if header.len() < HEADER {
        return Err(Refusal::Corrupt("the file ends within its ELF header"));
    }
    let machine = u16::from_le_bytes([header[18], header[19]]);
    let name = MACHINES.iter().find(|(number, _)| *number == machine).map(|(_, name)| *name);
    // 64 bits, the least significant byte first.
    if name != Some(arch) || header[4] != 2 || header[5] != 1 {
        let found = match name {
            Some(name) if name != arch => name.to_owned(),
            _ => format!("another processor (ELF machine {machine})"),
        };
        return Err(Refusal::Machine(found));
    }
    let count = u16::from_le_bytes([header[56], header[57]]);
    let each = u16::from_le_bytes([header[54], header[55]]);
    if usize::from(each) != PROGRAM_HEADER || count == 0 || count > MAX_SEGMENTS {
        return Err(Refusal::Corrupt("its program headers have the wrong size or number"));
    }
    let mut table = vec![0u8; PROGRAM_HEADER * usize::from(count)];
    if read_at(file, u64_at(header, 32), &mut table)? < table.len() {
        return Err(Refusal::Corrupt("its program headers lie outside of the file"));
    }
    let mut total = 0u64;
    let mut segments = Vec::new();
    for bytes in table.chunks_exact(PROGRAM_HEADER) {
        let segment =
            Segment { kind: u32_at(bytes, 0), offset: u64_at(bytes, 8), size: u64_at(bytes, 32) };
        if !matches!(segment.kind, PT_LOAD | PT_NOTE) {
            continue;
        }
        if segment.offset.checked_add(segment.size).is_none_or(|end| end > length) {
            return Err(Refusal::Corrupt("a segment reaches past the end of the file"));
        }
        total = total.saturating_add(segment.size);
        if total > MAX_LOADED || (segment.kind == PT_NOTE && segment.size > MAX_NOTES) {
            return Err(Refusal::Corrupt("its segments are too large"));
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Whether there is a note with the PVH entry.
fn has_entry(file: &mut (impl Read + Seek), segments: &[Segment]) -> Result<bool, Refusal> {
    for segment in segments.iter().filter(|segment| segment.kind == PT_NOTE) {
        let mut notes = vec![0u8; usize::try_from(segment.size).unwrap_or(0)];
        let got = read_at(file, segment.offset, &mut notes)?;
        notes.truncate(got);
        if names_entry(&notes) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Walks notes: a header of three words, a name and a value, each padded to four bytes.
fn names_entry(mut notes: &[u8]) -> bool {
    while notes.len() >= NOTE_HEADER {
        let (header, rest) = notes.split_at(NOTE_HEADER);
        let padded = |at| usize::try_from(u32_at(header, at)).ok()?.checked_next_multiple_of(4);
        let Some(end) = padded(0).zip(padded(4)).and_then(|(name, value)| name.checked_add(value))
        else {
            return false;
        };
        if u32_at(header, 8) == PHYS32_ENTRY && rest.starts_with(b"Xen\0") && end <= rest.len() {
            return true;
        }
        let Some(next) = rest.get(end..) else {
            return false;
        };
        notes = next;
    }
    false
}

/// Reads as much as there is.
fn read_at(file: &mut (impl Read + Seek), offset: u64, to: &mut [u8]) -> io::Result<usize> {
    // Offsets come from the file; one that no file has is its end.
    if file.seek(SeekFrom::Start(offset)).is_err() {
        return Ok(0);
    }
    let mut done = 0;
    while done < to.len() {
        match file.read(&mut to[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
#[path = "elf_test.rs"]
mod tests;
