//! The configuration that a kernel carries (`CONFIG_IKCONFIG`): compressed, between two marks.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};
use std::thread;

/// Longest configuration as it lies in the file. Debian's has 70 KB.
const MAX_PACKED: usize = 1 << 20;
/// Longest configuration as text. Debian's has 280 KB.
const MAX_TEXT: u64 = 8 << 20;
/// How much is searched at once; more than the longest configuration.
const CHUNK: u64 = 4 << 20;

const BEGIN: &[u8] = b"IKCFG_ST";
const END: &[u8] = b"IKCFG_ED";

/// The configuration between its marks, in the first of the ranges (offset and size) with one.
pub fn find(file: &mut (impl Read + Seek), ranges: &[(u64, u64)]) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = Vec::new();
    for &(offset, size) in ranges {
        file.seek(SeekFrom::Start(offset))?;
        let mut part = Read::by_ref(file).take(size);
        buffer.clear();
        loop {
            let got = Read::by_ref(&mut part).take(CHUNK).read_to_end(&mut buffer)?;
            if let Some(found) = between(&buffer) {
                return Ok(Some(found.to_vec()));
            }
            if got == 0 {
                break;
            }
            // What may be the beginning of one stays.
            let keep = buffer.len().min(MAX_PACKED + BEGIN.len() + END.len());
            buffer.drain(..buffer.len() - keep);
        }
    }
    Ok(None)
}

/// What lies between the marks: the kernel's own source has the first of them alone, too.
fn between(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some(at) = position(rest, BEGIN) {
        rest = &rest[at + BEGIN.len()..];
        if rest.starts_with(&[0x1f, 0x8b]) {
            if let Some(end) = position(&rest[..rest.len().min(MAX_PACKED + END.len())], END) {
                return Some(&rest[..end]);
            }
        }
    }
    None
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// The text of a configuration that the kernel holds compressed.
pub fn unpack(packed: Vec<u8>) -> io::Result<String> {
    let mut child = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| io::Error::new(e.kind(), format!("cannot start gzip: {e}")))?;
    let feeder = child.stdin.take().map(|mut input| {
        thread::spawn(move || {
            let _ = input.write_all(&packed);
        })
    });
    let mut text = Vec::new();
    let read = match child.stdout.take() {
        Some(output) => output.take(MAX_TEXT + 1).read_to_end(&mut text),
        None => Ok(0),
    };
    // Its output is closed by now, so that one that would write for ever ends too.
    let status = child.wait()?;
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    read?;
    if !status.success() || text.len() as u64 > MAX_TEXT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its configuration is damaged"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
#[path = "embedded_test.rs"]
mod tests;
