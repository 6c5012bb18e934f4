//! What Nix makes: NixOS images and development shells, by the `nix` of the caller's machine.
//!
//! ```text
//!  flake ── nix flake metadata ──▶ state ── as last time? ──yes──▶ what became of it, from the cache
//!                                             │ no
//!            nix build, nix print-dev-env ◀───┘
//!                  │
//!                  ▼
//!       image (copied) or layer (the closure, packed) ──▶ cache, and its origin beside it
//! ```
//!
//! The state is the tree that Nix sees and what its inputs are locked to, so that a file which was
//! changed and not committed counts as a change, and a flake in the store is never asked again.
//!
//! Nix is told to keep its hands off: it writes no lock file into the flake, takes no settings from
//! it, and reads no standard input. All the same, evaluating a flake runs what its author wrote
//! with the caller's rights to read files: only the caller names one, never a project's file.

mod closure;
mod environment;
mod flake;
mod image;
mod run;
mod shell;
mod version;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

pub use environment::Environment;
pub use flake::{Flake, FlakeError};
pub use image::flake_image;
pub use shell::{DevShell, dev_shell};

use crate::files::{FileError, failed};
use crate::lock::Lock;
use crate::ready::ReadyError;
use crate::{BuildError, Cache, CacheError, ImageError, Phase, Progress};

/// Where Nix is when `PATH` does not lead to it.
const USUAL: &str = "/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin";

/// Why Nix did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum NixError {
    /// No Nix.
    #[error(
        "there is no nix in PATH, which this needs: install Nix {} or newer (Debian's package is nix-bin), or import an image that somebody else exported",
        version::LEAST
    )]
    Missing,
    /// A Nix that lacks what is needed.
    #[error(
        "this Nix is too old: {} is version {found}, and {} or newer is needed", program.display(), version::LEAST
    )]
    Old {
        /// Its path.
        program: PathBuf,
        /// Its version.
        found: String,
    },
    /// Something that does not say which Nix it is.
    #[error("{} is no Nix that qvm knows: `nix --version` says {said:?}; version {} or newer is needed", program.display(), version::LEAST)]
    Strange {
        /// Its path.
        program: PathBuf,
        /// What it says.
        said: String,
    },
    /// It cannot be started.
    #[error("cannot run {}", program.display())]
    Start {
        /// Its path.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("{doing} failed: {said}{}", log.as_ref().map(|log| format!(" (see {})", log.display())).unwrap_or_default())]
    Failed {
        /// What it was to do.
        doing: &'static str,
        /// Its first line about it.
        said: String,
        /// All that it said.
        log: Option<PathBuf>,
        /// [`io::ErrorKind::StorageFull`] where it met a full disk.
        #[source]
        source: Option<io::Error>,
    },
    /// It did not end.
    #[error("{doing} took longer than {seconds} s, and was ended")]
    Slow {
        /// What it was to do.
        doing: &'static str,
        /// How long it was given.
        seconds: u64,
    },
    /// It said more than it ever should.
    #[error("{doing} gave more than {} MiB, and was ended", limit >> 20)]
    TooMuch {
        /// What it was to do.
        doing: &'static str,
        /// How many bytes are taken.
        limit: usize,
    },
    /// What it said is not what it should be.
    #[error("{doing} gave something that is not understood: {what}")]
    Garbage {
        /// What it was to do.
        doing: &'static str,
        /// What is wrong.
        what: String,
    },
    /// What it made is not where it can be seen.
    #[error("{} is in a store that is not on this machine", .0.display())]
    Elsewhere(PathBuf),
    /// Nix would run the git of a folder that a guest may have written.
    #[error(
        "{} is shared with guests, and Nix before 2.20 runs git there, which runs what the folder's own .git/config says: use a newer Nix, or write path:{} to do without git", .0.display(), .0.display()
    )]
    Git(PathBuf),
    /// The flake is not one.
    #[error(transparent)]
    Flake(#[from] FlakeError),
    /// The image that it made cannot be used.
    #[error("what {flake} gives cannot be used")]
    Image {
        /// The flake.
        flake: String,
        /// What is wrong.
        #[source]
        source: ReadyError,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// An image or a layer in it cannot be used.
    #[error(transparent)]
    Damaged(#[from] ImageError),
    /// It did not get into the cache.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The `nix` of this machine.
#[derive(Debug, Clone)]
pub struct Nix {
    program: PathBuf,
    /// Folders that guests can write to.
    shared: Vec<PathBuf>,
}

impl Nix {
    /// Finds it along `path`, which is `PATH`. A program that lies in one of the folders `shared`
    /// is not run: a guest may have put it there. Its version is looked at when it matters, so
    /// that what has not changed costs no start of it.
    ///
    /// # Errors
    /// [`NixError::Missing`].
    pub fn find(path: &OsStr, shared: &[PathBuf]) -> Result<Self, NixError> {
        let path: OsString = [path, OsStr::new(":"), OsStr::new(USUAL)].into_iter().collect();
        let program = search(&path, shared).ok_or(NixError::Missing)?;
        Ok(Self { program, shared: shared.to_vec() })
    }
}

/// The first `nix` along `path` that really lies outside `shared`.
fn search(path: &OsStr, shared: &[PathBuf]) -> Option<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).find_map(|folder| {
        let found = folder.join("nix");
        let real = found.canonicalize().ok().filter(|real| real.is_file())?;
        let within = |share: &PathBuf| real.starts_with(share) || found.starts_with(share);
        // By its own name: what it really is may be a program of many names.
        (!shared.iter().any(within)).then_some(found)
    })
}

/// A folder of the cache in which one qvm at a time has Nix work.
struct Workshop {
    dir: PathBuf,
    _lock: Lock,
}

impl Workshop {
    /// Waits until it is free, and empties it.
    fn enter(cache: &Cache, progress: &mut dyn FnMut(Progress)) -> Result<Self, NixError> {
        let dir = cache.root().join("nix");
        std::fs::create_dir_all(&dir).map_err(failed("make", &dir))?;
        let path = cache.root().join("nix.lock");
        let lock = Lock::acquire(&path, || progress(Progress::start(Phase::Waiting)))
            .map_err(failed("lock", &path))?;
        let shop = Self { dir, _lock: lock };
        // Of one that was killed.
        shop.empty().map_err(failed("empty", &shop.dir))?;
        Ok(shop)
    }

    fn empty(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Whoever comes next does it otherwise.
        let _ = self.empty();
    }
}

#[cfg(test)]
#[path = "nix_test.rs"]
mod tests;
