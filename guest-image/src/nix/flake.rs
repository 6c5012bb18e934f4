//! Which flake, and what it looks like now.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::run::Task;
use super::{Nix, NixError, version};
use crate::Digest;

/// Longest time that fetching a flake may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// From this version on Nix looks at a checkout by itself instead of running git in it.
const WITHOUT_GIT: (u32, u32) = (2, 20);

/// Most bytes that Nix may say about one: lock files have some kilobytes an input.
const LIMIT: usize = 16 << 20;

/// A flake and what is wanted of it: `REF#NAME`, as Nix writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flake {
    /// Where it is: a folder, or a URL.
    reference: String,
    /// What of it; empty for Nix's default.
    name: String,
}

/// No flake is written so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlakeError {
    /// An option.
    #[error(
        "a flake does not begin with a dash, as {0:?} does; it is written like .#name or github:owner/repo#name"
    )]
    Dash(String),
    /// Something that no terminal should see.
    #[error("a flake has no control characters, and at most 4096 bytes")]
    Text,
}

impl FromStr for Flake {
    type Err = FlakeError;

    fn from_str(text: &str) -> Result<Self, FlakeError> {
        if text.len() > 4096 || text.chars().any(char::is_control) {
            return Err(FlakeError::Text);
        }
        let (reference, name) = text.split_once('#').unwrap_or((text, ""));
        if reference.starts_with('-') {
            return Err(FlakeError::Dash(text.to_owned()));
        }
        let reference = if reference.is_empty() { "." } else { reference };
        Ok(Self { reference: reference.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Flake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reference)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, "#{}", self.name) }
    }
}

/// What is read of `nix flake metadata --json`.
#[derive(Deserialize)]
struct Metadata {
    /// The tree in the store, which its content names.
    path: Option<String>,
    locked: Option<serde_json::Map<String, Value>>,
    locks: Option<Value>,
}

impl Flake {
    /// With this name where it has none.
    #[must_use]
    pub fn or_name(mut self, name: &str) -> Self {
        if self.name.is_empty() {
            name.clone_into(&mut self.name);
        }
        self
    }

    /// With a folder that is written relative to `base` made absolute.
    #[must_use]
    pub fn absolute(mut self, base: &Path) -> Self {
        if matches!(self.reference.as_bytes(), [b'.'] | [b'.', b'.'] | [b'.', b'/' | b'.', ..]) {
            let path: PathBuf = base.join(&self.reference).components().collect();
            let path = path.canonicalize().unwrap_or(path);
            // A name that is no text cannot be said in JSON or a URL; Nix says so of the other.
            if let Some(path) = path.to_str() {
                path.clone_into(&mut self.reference);
            }
        }
        self
    }

    /// Whether it means another folder for each working directory.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        self.reference.starts_with('.')
    }

    /// The folder of this machine in which it is, if it is in one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        let path = ["git+file://", "path:"]
            .iter()
            .find_map(|scheme| self.reference.strip_prefix(scheme))
            .unwrap_or(&self.reference);
        path.starts_with('/').then(|| Path::new(path.split('?').next().unwrap_or(path)))
    }

    /// What it looks like now. A tree in the store never changes, and is not looked at.
    pub(super) fn state(&self, nix: &Nix, log: &Path) -> Result<Digest, NixError> {
        if self.folder().is_some_and(|folder| folder.starts_with("/nix/store")) {
            return Ok(Digest::of(self.reference.as_bytes()));
        }
        self.without_git(nix)?;
        let doing = "reading the flake";
        let task = Task { doing, limit: LIMIT, patience: Some(PATIENCE), log: Some(log) };
        let words = ["flake", "metadata", "--json", "--no-write-lock-file", &self.reference];
        let garbage = |what| NixError::Garbage { doing, what };
        let found = nix.run(&words.map(OsStr::new), &task).and_then(|said| {
            let metadata = serde_json::from_slice(&said).map_err(|e| garbage(e.to_string()))?;
            state(metadata).ok_or_else(|| garbage("no tree in it".into()))
        });
        if found.is_err() {
            // One that is too old, or no Nix, may have said anything.
            version::of(nix)?;
        }
        found
    }
}

impl Flake {
    /// Makes sure that no git runs in a folder which a guest may have written to: its settings
    /// name programs.
    fn without_git(&self, nix: &Nix) -> Result<(), NixError> {
        let Some(folder) = self.folder().filter(|_| !self.reference.starts_with("path:")) else {
            return Ok(());
        };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let shared =
            nix.shared.iter().any(|share| folder.starts_with(share) || share.starts_with(&folder));
        let in_git =
            folder.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok());
        if shared && in_git && version::of(nix)? < WITHOUT_GIT {
            return Err(NixError::Git(folder));
        }
        Ok(())
    }
}

/// A digest of all that decides about what a flake gives. When its files were touched does not.
fn state(metadata: Metadata) -> Option<Digest> {
    let mut locked = metadata.locked.unwrap_or_default();
    locked.remove("lastModified");
    if metadata.path.is_none() && locked.get("narHash").is_none() && locked.get("rev").is_none() {
        return None;
    }
    let all = serde_json::json!([metadata.path, locked, metadata.locks]);
    Some(Digest::of(all.to_string().as_bytes()))
}

#[cfg(test)]
#[path = "flake_test.rs"]
mod tests;
