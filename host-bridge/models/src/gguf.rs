//! The head of a GGUF file: what model it is, without its weights.
//!
//! ```text
//! "GGUF" version:u32 tensors:u64 pairs:u64 { key:string type:u32 value }…   (little endian)
//! string = length:u64 bytes       array = type:u32 count:u64 values
//! ```
//!
//! The file comes from strangers. No length in it is believed: nothing is allocated by one,
//! arrays nest at most [`DEEPEST`] times, and at most [`MOST_BYTES`] are read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Most bytes of a file that are read. Large vocabularies take about 20 MiB.
pub const MOST_BYTES: u64 = 128 << 20;

/// Deepest array within array.
pub const DEEPEST: u32 = 4;

/// Most key-value pairs.
const MOST_PAIRS: u64 = 1 << 16;

/// Longest key, in bytes, by the format.
const LONGEST_KEY: u64 = 65535;

/// Longest text that is kept, in bytes; longer ones are cut.
const LONGEST_TEXT: u64 = 256;

/// Why a file was not understood.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be read.
    #[error("cannot read it")]
    Read(#[source] io::Error),
    /// Other first bytes.
    #[error("it is not a GGUF file ({0})")]
    Magic(String),
    /// Not 2 or 3.
    #[error("it is a GGUF file of version {0}; known are 2 and 3")]
    Version(u32),
    /// It ends before its head does.
    #[error("it is cut off: it ends within its head; fetch it again")]
    Truncated,
    /// Against the format, or beyond the limits.
    #[error("its head is damaged: {0}")]
    Malformed(&'static str),
}

/// What the head says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// Of the format: 2 or 3.
    pub version: u32,
    /// How many tensors.
    pub tensors: u64,
    /// Like `llama` or `qwen3`.
    pub architecture: Option<String>,
    /// What its makers call it.
    pub name: Option<String>,
    /// Context it was trained for, in tokens.
    pub context: Option<u32>,
    /// Number of files it is split into; 1 for one that is not.
    pub parts: u16,
    /// It brings a template for chats.
    pub chat_template: bool,
}

/// Reads the head of a file.
///
/// # Errors
/// [`GgufError`].
pub fn open(path: &Path) -> Result<Header, GgufError> {
    read(&mut BufReader::with_capacity(1 << 16, File::open(path).map_err(GgufError::Read)?))
}

/// Reads the head from its first byte on.
///
/// # Errors
/// [`GgufError`].
pub fn read(from: &mut impl Read) -> Result<Header, GgufError> {
    let mut start = Vec::new();
    from.take(64).read_to_end(&mut start).map_err(GgufError::Read)?;
    if !start.starts_with(b"GGUF") {
        return Err(GgufError::Magic(foreign(&start)));
    }
    let rest = (&start[4..]).chain(from);
    let mut reader = Reader { from: rest, left: MOST_BYTES };
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(GgufError::Version(version));
    }
    let tensors = reader.u64()?;
    let pairs = reader.u64()?;
    if pairs > MOST_PAIRS {
        return Err(GgufError::Malformed("too many keys"));
    }
    let mut header = Header { version, tensors, parts: 1, ..Header::default() };
    let mut contexts: Vec<(String, u32)> = Vec::new();
    for _ in 0..pairs {
        let key = reader.key()?;
        let kind = reader.u32()?;
        match key.as_str() {
            "general.architecture" => header.architecture = reader.text(kind)?,
            "general.name" => header.name = reader.text(kind)?,
            "split.count" => {
                let count = reader.number(kind)?.and_then(|n| u16::try_from(n).ok());
                header.parts = count.unwrap_or(1).max(1);
            }
            "tokenizer.chat_template" => {
                header.chat_template = true;
                reader.skip(kind, 0)?;
            }
            _ => match key.strip_suffix(".context_length") {
                Some(prefix) if contexts.len() < 16 => {
                    let count = reader.number(kind)?.and_then(|n| u32::try_from(n).ok());
                    contexts.extend(count.map(|n| (prefix.to_owned(), n)));
                }
                _ => reader.skip(kind, 0)?,
            },
        }
    }
    header.context = contexts
        .into_iter()
        .find(|(prefix, _)| Some(prefix) == header.architecture.as_ref())
        .map(|(_, count)| count);
    Ok(header)
}

/// What a file is that is no GGUF.
pub(crate) fn foreign(start: &[u8]) -> String {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if start.is_empty() {
        "it is empty".into()
    } else if text.starts_with("version https://git-lfs") {
        "it is a pointer of git-lfs: the clone lacks the file itself, `git lfs pull` brings it"
            .into()
    } else if text.starts_with('<') {
        "it is a web page, perhaps an error saved under this name".into()
    } else {
        format!("it starts with \"{}\"", start[..start.len().min(8)].escape_ascii())
    }
}

/// Bytes with an end.
struct Reader<R> {
    from: R,
    left: u64,
}

impl<R: Read> Reader<R> {
    /// Counts bytes that are about to be read.
    fn spend(&mut self, count: u64) -> Result<(), GgufError> {
        self.left =
            self.left.checked_sub(count).ok_or(GgufError::Malformed("it is longer than any"))?;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(ended)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// Passes over bytes.
    fn pass(&mut self, count: u64) -> Result<(), GgufError> {
        self.spend(count)?;
        let passed = io::copy(&mut (&mut self.from).take(count), &mut io::sink());
        match passed.map_err(ended)? == count {
            true => Ok(()),
            false => Err(GgufError::Truncated),
        }
    }

    /// A string; no more than `keep` bytes of it.
    fn string(&mut self, keep: u64) -> Result<String, GgufError> {
        let length = self.u64()?;
        let kept = length.min(keep);
        self.spend(kept)?;
        let mut bytes = Vec::new();
        (&mut self.from).take(kept).read_to_end(&mut bytes).map_err(ended)?;
        if bytes.len() as u64 != kept {
            return Err(GgufError::Truncated);
        }
        self.pass(length - kept)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn key(&mut self) -> Result<String, GgufError> {
        let key = self.string(LONGEST_KEY + 1)?;
        match key.len() as u64 > LONGEST_KEY {
            true => Err(GgufError::Malformed("a key is too long")),
            false => Ok(key),
        }
    }

    /// A value that should be a string, without control characters.
    fn text(&mut self, kind: u32) -> Result<Option<String>, GgufError> {
        if kind != STRING {
            self.skip(kind, 0)?;
            return Ok(None);
        }
        let text = self.string(LONGEST_TEXT)?;
        Ok(Some(text.chars().filter(|c| !c.is_control()).collect()))
    }

    /// A value that should be a whole number, not negative.
    fn number(&mut self, kind: u32) -> Result<Option<u64>, GgufError> {
        match kind {
            0 => Ok(Some(u64::from(self.bytes::<1>()?[0]))),
            2 => Ok(Some(u64::from(u16::from_le_bytes(self.bytes()?)))),
            4 => Ok(Some(u64::from(self.u32()?))),
            5 => Ok(u64::try_from(i32::from_le_bytes(self.bytes()?)).ok()),
            10 => Ok(Some(self.u64()?)),
            11 => Ok(u64::try_from(i64::from_le_bytes(self.bytes()?)).ok()),
            _ => {
                self.skip(kind, 0)?;
                Ok(None)
            }
        }
    }

    /// Passes over a value.
    fn skip(&mut self, kind: u32, depth: u32) -> Result<(), GgufError> {
        match kind {
            STRING => {
                let length = self.u64()?;
                self.pass(length)
            }
            ARRAY if depth < DEEPEST => {
                let (kind, count) = (self.u32()?, self.u64()?);
                if let Some(size) = size(kind) {
                    let total = size.checked_mul(count);
                    return self.pass(total.ok_or(GgufError::Malformed("an array is too long"))?);
                }
                // Each takes eight bytes at least, so the end of the file ends this.
                for _ in 0..count {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            ARRAY => Err(GgufError::Malformed("arrays within arrays within arrays")),
            _ => self.pass(size(kind).ok_or(GgufError::Malformed("a value of unknown type"))?),
        }
    }
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Size of a value of that type, in bytes; `None` where it varies or the type is unknown.
fn size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn ended(error: io::Error) -> GgufError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => GgufError::Truncated,
        _ => GgufError::Read(error),
    }
}

#[cfg(test)]
#[path = "gguf_test.rs"]
mod tests;
