//! What kind of program a file is, and what loads it: a bounded look at its first bytes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::server::Kind;

/// Most program headers that are read.
const MOST_HEADERS: u16 = 128;

/// Longest path of a loader, in bytes.
const LONGEST_PATH: u64 = 4096;

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub kind: Kind,
    pub loader: Option<PathBuf>,
}

/// Looks at a program. What cannot be read or understood is taken for one without a loader.
pub(crate) fn look(path: &Path) -> Program {
    let named = path.extension().is_some_and(|e| e == "llamafile")
        || path.file_name().is_some_and(|n| n == "llamafile" || n == "llamafile.exe");
    let Ok(mut file) = File::open(path) else {
        return Program {
            kind: if named { Kind::Llamafile } else { Kind::LlamaServer },
            loader: None,
        };
    };
    let mut start = [0u8; 64];
    let length = fill(&mut file, &mut start);
    // An "actually portable executable": DOS, shell script and more in one.
    let portable = start.starts_with(b"MZqFpD") || start.starts_with(b"jartsr=");
    let kind = if named || portable { Kind::Llamafile } else { Kind::LlamaServer };
    let loader = (length == 64).then(|| loader(&mut file, &start)).flatten();
    Program { kind, loader }
}

/// Whether a program is text for an interpreter.
pub(crate) fn is_script(path: &Path) -> bool {
    let mut start = [0u8; 2];
    File::open(path).is_ok_and(|mut file| fill(&mut file, &mut start) == 2 && start == *b"#!")
}

/// What loads a program (`PT_INTERP`), if anything does.
#[must_use]
pub fn loader_of(path: &Path) -> Option<PathBuf> {
    look(path).loader
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buffer.len() {
        match file.read(&mut buffer[done..]) {
            Ok(0) | Err(_) => break,
            Ok(count) => done += count,
        }
    }
    done
}

/// `PT_INTERP` of a 64-bit little-endian ELF file.
fn loader(file: &mut (impl Read + Seek), header: &[u8; 64]) -> Option<PathBuf> {
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (long(header, 32)?, short(header, 54)?, short(header, 56)?);
    if size < 56 {
        return None;
    }
    for index in 0..count.min(MOST_HEADERS) {
        let at = table.checked_add(u64::from(size) * u64::from(index))?;
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut entry = [0u8; 56];
        if fill(file, &mut entry) < entry.len() {
            return None;
        }
        if entry[..4] == 3u32.to_le_bytes() {
            let (offset, length) = (long(&entry, 8)?, long(&entry, 32)?);
            if !(2..=LONGEST_PATH).contains(&length) {
                return None;
            }
            file.seek(SeekFrom::Start(offset)).ok()?;
            let mut text = Vec::new();
            file.take(length).read_to_end(&mut text).ok()?;
            let end = text.iter().position(|b| *b == 0)?;
            text.truncate(end);
            let path = PathBuf::from(std::ffi::OsString::from_vec(text));
            return path.is_absolute().then_some(path);
        }
    }
    None
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
#[path = "elf_test.rs"]
mod tests;
