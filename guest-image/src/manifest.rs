//! `manifest.json`: what an image or a layer consists of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::shelf::Shelf;

/// Longest manifest that is read, in bytes. A thousand packages take 60 KB.
pub const MAX_MANIFEST: u64 = 4 << 20;

/// Format of the image directory. Any other is refused.
pub const FORMAT: u32 = 1;

/// What an image consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of the image directory: 1.
    pub format: u32,
    /// Digest of the recipe it was made by.
    pub recipe: Digest,
    /// Machine the kernel and the programs are for, as `uname -m` says it: `x86_64`.
    pub arch: String,
    /// Version of the kernel, as `uname -r` says it; empty in a layer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kernel: String,
    /// Packages in the root, and the kernel's; agents in a layer.
    pub packages: Vec<Package>,
    /// Its files by name: those of an image, of a layer or of a kernel, and no other.
    pub files: BTreeMap<String, FileEntry>,
}

/// A package of the distribution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One file of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Digest,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON it should be.
    #[error("manifest.json cannot be read")]
    Json(#[from] serde_json::Error),
    /// Made by a newer or older qvm.
    #[error("the image has format {0}, this qvm knows {FORMAT}")]
    Format(u32),
    /// A file is missing from the list, or one is listed that no image has.
    #[error("manifest.json does not list exactly the files of an image")]
    Files,
}

impl Manifest {
    /// Reads a manifest from the bytes of `manifest.json`.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format != FORMAT {
            return Err(ManifestError::Format(head.format));
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if !Shelf::ALL.iter().any(|shelf| shelf.holds(manifest.files.keys().map(String::as_str))) {
            return Err(ManifestError::Files);
        }
        Ok(manifest)
    }

    /// The bytes of `manifest.json`.
    ///
    /// # Errors
    /// None for a manifest that was made by this crate.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.values().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

#[cfg(test)]
#[path = "manifest_test.rs"]
mod tests;
