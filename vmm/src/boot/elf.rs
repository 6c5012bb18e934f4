//! Uncompressed ELF kernels (vmlinux), entered through their PVH note.
//!
//! Headers and notes are walked here, with bounded work, and not by linux-loader's ELF loader,
//! which goes as far as the headers say (compare GHSA-52h2-m2cf-9jh6) and reads the segments in
//! the slower of the two ways that there are.

use std::fs::File;

use super::x86_64::{Kernel, Start, not_a_kernel};
use super::{Error, place::place, read_at, read_kernel, too_little};
use crate::Memory;
use crate::arch::x86_64::layout;

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
/// A kernel has about five program headers.
const PROGRAM_HEADERS_MAX: u16 = 64;
/// A kernel's notes are a few hundred bytes.
const NOTES_MAX: u64 = 64 << 10;
const NOTE_HEADER: usize = 12;
/// Type of the note that holds the entry (Xen `public/elfnote.h`).
const PHYS32_ENTRY: u32 = 18;

const X86_64: u16 = 62;
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;

/// One program header.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
}

/// Loads the kernel to the addresses it names.
///
/// # Errors
/// [`Error`].
pub fn load(memory: &Memory, size: u64, file: &File, length: u64) -> Result<Kernel, Error> {
    let segments = segments(file, length)?;
    let low_end = layout::low_end(size);
    let mut end = layout::HIGH_RAM;
    for segment in segments.iter().filter(|segment| segment.kind == PT_LOAD) {
        let wanted = segment.memory_size.max(segment.file_size);
        let last = segment
            .address
            .checked_add(wanted)
            .filter(|last| *last <= layout::HOLE)
            .ok_or(Error::Corrupt("a segment lies outside of memory"))?;
        if wanted > 0 && segment.address < layout::HIGH_RAM {
            return Err(Error::Corrupt("a segment lies below 1 MiB"));
        }
        end = end.max(last);
    }
    if end > low_end {
        return Err(too_little(size, end));
    }
    let entry = pvh_entry(file, &segments)?.ok_or_else(|| {
        not_a_kernel("an ELF file without PVH note (a kernel without CONFIG_PVH, or a program)")
    })?;
    if !(layout::HIGH_RAM..end).contains(&entry) {
        return Err(Error::Corrupt("its PVH entry is outside of it"));
    }
    for segment in segments.iter().filter(|segment| segment.kind == PT_LOAD) {
        let Segment { offset, address, file_size, .. } = *segment;
        place(memory, file, offset, address, file_size).map_err(read_kernel)?;
    }
    Ok(Kernel { start: Start::Pvh { address: entry }, end, initrd_limit: layout::HOLE })
}

/// The 32-bit entry that the note `XEN_ELFNOTE_PHYS32_ENTRY` names.
fn pvh_entry(file: &File, segments: &[Segment]) -> Result<Option<u64>, Error> {
    for segment in segments.iter().filter(|segment| segment.kind == PT_NOTE) {
        let mut notes = vec![0u8; usize::try_from(segment.file_size).unwrap_or(0)];
        let read = read_at(file, &mut notes, segment.offset).map_err(read_kernel)?;
        notes.truncate(read);
        if let Some(entry) = find_note(&notes) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Walks notes: a header of three words, a name and a descriptor, each padded to four bytes.
fn find_note(mut notes: &[u8]) -> Option<u64> {
    while notes.len() >= NOTE_HEADER {
        let (header, rest) = notes.split_at(NOTE_HEADER);
        let length = |at| usize::try_from(u32_at(header, at)).ok();
        let name_end = length(0)?.checked_next_multiple_of(4)?;
        let value_end = name_end.checked_add(length(4)?.checked_next_multiple_of(4)?)?;
        let value = rest.get(name_end..value_end)?;
        if u32_at(header, 8) == PHYS32_ENTRY && rest.starts_with(b"Xen\0") && value.len() >= 4 {
            return Some(u64::from(u32_at(value, 0)));
        }
        notes = &rest[value_end..];
    }
    None
}

fn segments(file: &File, length: u64) -> Result<Vec<Segment>, Error> {
    let mut header = [0u8; HEADER];
    if read_at(file, &mut header, 0).map_err(read_kernel)? < HEADER {
        return Err(Error::Corrupt("the file ends within its ELF header"));
    }
    if header[4] != CLASS_64 || header[5] != LITTLE_ENDIAN || u16_at(&header, 18) != X86_64 {
        return Err(not_a_kernel("an ELF file for another processor"));
    }
    let (at, each, count) = (u64_at(&header, 32), u16_at(&header, 54), u16_at(&header, 56));
    if usize::from(each) != PROGRAM_HEADER || count == 0 || count > PROGRAM_HEADERS_MAX {
        return Err(Error::Corrupt("its ELF program headers have the wrong size or number"));
    }
    let mut table = vec![0u8; PROGRAM_HEADER * usize::from(count)];
    let fits = at.checked_add(table.len() as u64).is_some_and(|end| end <= length);
    if !fits || read_at(file, &mut table, at).map_err(read_kernel)? < table.len() {
        return Err(Error::Corrupt("its ELF program headers lie outside of the file"));
    }
    table.chunks_exact(PROGRAM_HEADER).map(|bytes| segment(bytes, length)).collect()
}

fn segment(bytes: &[u8], length: u64) -> Result<Segment, Error> {
    let segment = Segment {
        kind: u32_at(bytes, 0),
        offset: u64_at(bytes, 8),
        address: u64_at(bytes, 24),
        file_size: u64_at(bytes, 32),
        memory_size: u64_at(bytes, 40),
    };
    if matches!(segment.kind, PT_LOAD | PT_NOTE) {
        let end = segment.offset.checked_add(segment.file_size);
        if end.is_none_or(|end| end > length) {
            return Err(Error::Corrupt("a segment reaches past the end of the file"));
        }
    }
    if segment.kind == PT_NOTE && segment.file_size > NOTES_MAX {
        return Err(Error::Corrupt("its notes are too large"));
    }
    Ok(segment)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
