//! Where things of the cache came from, and by which name people ask for them.
//!
//! `origins/` has a small file for each source: a flake, or what was imported. An origin says what
//! the source looked like and what became of it, so that a source that has not changed is not
//! asked again. One that is damaged or leads nowhere says nothing, and what it was for is made
//! again.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::files::failed;
use crate::{Cache, CacheError, Digest, files};

/// Longest file that is read, in bytes.
const MAX_ORIGIN: u64 = 64 << 10;

/// Where something came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// What people call it.
    pub name: Option<String>,
    /// The source, for people: `flake:/home/me/app#guest-image`, or the path of an archive.
    pub source: String,
    /// What the source looked like; `None`: it is not asked again, and what became of it is kept.
    pub state: Option<Digest>,
    /// What became of it: an image or a layer.
    pub digest: Digest,
}

impl Cache {
    /// All origins, those of a name first.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        let Ok(entries) = fs::read_dir(self.origins_dir()) else { return Vec::new() };
        let mut all: Vec<Origin> = entries.filter_map(|entry| read(&entry.ok()?.path())).collect();
        all.sort_by(|a, b| {
            let key = |origin: &Origin| (origin.name.is_none(), origin.name.clone());
            key(a).cmp(&key(b)).then_with(|| a.source.cmp(&b.source))
        });
        all
    }

    /// The origin of this source.
    pub(crate) fn origin(&self, source: &str) -> Option<Origin> {
        read(&self.origin_path(source)).filter(|origin| origin.source == source)
    }

    /// Writes an origin down, in place of others of its source and its name.
    ///
    /// # Errors
    /// [`CacheError::File`].
    pub fn record(&self, origin: &Origin) -> Result<(), CacheError> {
        let dir = self.origins_dir();
        fs::create_dir_all(&dir).map_err(failed("make", &dir))?;
        let path = self.origin_path(&origin.source);
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&dir)?;
            serde_json::to_writer_pretty(&mut file, origin)?;
            file.persist(&path).map(drop).map_err(|e| e.error)
        };
        write().map_err(failed("write", &path))?;
        self.forget(|other| {
            other.name.is_some() && other.name == origin.name && other.source != origin.source
        });
        Ok(())
    }

    /// Removes origins.
    pub(crate) fn forget(&self, which: impl Fn(&Origin) -> bool) {
        for origin in self.origins().into_iter().filter(which) {
            // One that stays leads nowhere, and that is known to be possible.
            let _ = fs::remove_file(self.origin_path(&origin.source));
        }
    }

    fn origins_dir(&self) -> PathBuf {
        self.root().join("origins")
    }

    fn origin_path(&self, source: &str) -> PathBuf {
        self.origins_dir().join(format!("{}.json", Digest::of(source.as_bytes())))
    }
}

fn read(path: &std::path::Path) -> Option<Origin> {
    serde_json::from_slice(&files::read_limited(path, MAX_ORIGIN).ok()?).ok()
}

#[cfg(test)]
#[path = "origin_test.rs"]
mod tests;
