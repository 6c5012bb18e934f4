//! Weights on this host: one GGUF file, or all parts of one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::gguf::{self, GgufError, Header};

/// Most parts of a model.
pub const MOST_PARTS: u32 = 512;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Not there, or not readable.
    #[error("cannot open {}", .0.display())]
    Open(PathBuf, #[source] std::io::Error),
    /// A folder or something else.
    #[error("{} is no file; name one that ends in .gguf", .0.display())]
    NoFile(PathBuf),
    /// Of several parts not all are there.
    #[error("part {part} of {parts} is missing: {}", .path.display())]
    Missing {
        /// Which, from 1.
        part: u32,
        /// Of how many.
        parts: u32,
        /// Where it should be.
        path: PathBuf,
    },
    /// The head says another number of parts than the name.
    #[error("{} is one of {said} parts, but its name does not end in -00001-of-{said:05}.gguf", .path.display())]
    Renamed {
        /// The file.
        path: PathBuf,
        /// Parts by its head.
        said: u16,
    },
    /// No GGUF file, or a damaged one.
    #[error("cannot use {}: {error}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: GgufError,
    },
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name that the server must see: parts are found by it.
    pub name: String,
    /// The file itself, by its real path; it may have another name.
    pub path: PathBuf,
}

/// A model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// In order; at least one.
    pub parts: Vec<Part>,
    /// All together.
    pub bytes: u64,
    /// Head of the first.
    pub header: Header,
}

impl Weights {
    /// Opens the model at `path`: any one of its parts.
    ///
    /// # Errors
    /// [`WeightsError`].
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| WeightsError::NoFile(path.into()))?;
        let names = match Numbered::of(name) {
            Some(numbered) => numbered.all(),
            None => vec![name.to_owned()],
        };
        let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let (mut parts, mut bytes) = (Vec::new(), 0u64);
        for (part, name) in (1u32..).zip(names) {
            let place = path.with_file_name(&name);
            let real = match place.canonicalize() {
                Ok(real) => real,
                Err(_) if count > 1 => {
                    return Err(WeightsError::Missing { part, parts: count, path: place });
                }
                Err(e) => return Err(WeightsError::Open(place, e)),
            };
            let about = fs::metadata(&real).map_err(|e| WeightsError::Open(place.clone(), e))?;
            if !about.is_file() {
                return Err(WeightsError::NoFile(place));
            }
            bytes = bytes.saturating_add(about.len());
            parts.push(Part { name, path: real });
        }
        let content = |path: &Path, error| WeightsError::Content { path: path.into(), error };
        let mut header = Header::default();
        for (index, part) in parts.iter().enumerate() {
            let head = gguf::open(&part.path).map_err(|e| content(&part.path, e))?;
            if index == 0 {
                header = head;
            }
        }
        if u32::from(header.parts) != count {
            return Err(WeightsError::Renamed { path: path.into(), said: header.parts });
        }
        Ok(Self { parts, bytes, header })
    }
}

/// A name like `stem-00002-of-00003.gguf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered<'a> {
    pub stem: &'a str,
    pub part: u32,
    pub parts: u32,
}

impl<'a> Numbered<'a> {
    /// Takes a name apart; `None` for one that is not of that form.
    pub(crate) fn of(name: &'a str) -> Option<Self> {
        let rest = name.strip_suffix(".gguf")?;
        let (rest, parts) = digits(rest)?;
        let (stem, part) = digits(rest.strip_suffix("-of")?)?;
        let valid = (1..=MOST_PARTS).contains(&parts) && (1..=parts).contains(&part);
        valid.then_some(Self { stem, part, parts })
    }

    /// The names of all parts.
    pub(crate) fn all(&self) -> Vec<String> {
        let name = |part| format!("{}-{part:05}-of-{:05}.gguf", self.stem, self.parts);
        (1..=self.parts).map(name).collect()
    }
}

/// `rest-00012` into rest and number.
fn digits(text: &str) -> Option<(&str, u32)> {
    let at = text.len().checked_sub(5)?;
    let (rest, digits) = (text.get(..at)?, text.get(at..)?);
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((rest.strip_suffix('-')?, number))
}

#[cfg(test)]
#[path = "weights_test.rs"]
mod tests;
