//! Directories of the host that are never shared (A29).
//!
//! A share of one of these, or of a directory above or below it, would hand the guest what it is
//! meant to be kept from: the keys in a home directory, or qvm's own images and sockets.

use std::path::{Path, PathBuf};

use super::guest_path::KERNEL;

/// What must not be shared on this machine. All paths are real (free of symbolic links) as far
/// as they exist.
#[derive(Debug, Clone, Default)]
pub struct Places {
    homes: Vec<PathBuf>,
    own: Vec<PathBuf>,
}

/// Why a directory is not shared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `/`.
    #[error("it is the root of the file system, which holds everything; share a project directory")]
    Root,
    /// A home directory itself.
    #[error(
        "it is your home directory, with your keys and settings; share a project directory inside it"
    )]
    Home,
    /// An ancestor of a home directory.
    #[error("your home directory {} is inside it; share a project directory", .0.display())]
    AboveHome(PathBuf),
    /// qvm's own files, or a directory above or below them.
    #[error("qvm keeps its own files in {}; share another directory", .0.display())]
    Own(PathBuf),
    /// A file system of the kernel.
    #[error("{} belongs to the kernel, not to a project; share another directory", .0.display())]
    Kernel(PathBuf),
}

impl Places {
    /// `homes`: the caller's home directories by every account of them; `own`: qvm's directories.
    /// Relative ones are left out, the others made real as far as they exist.
    pub fn new(homes: &[PathBuf], own: &[PathBuf]) -> Self {
        let real = |paths: &[PathBuf]| {
            paths.iter().filter(|p| p.is_absolute()).map(|p| real_prefix(p)).collect()
        };
        Self { homes: real(homes), own: real(own) }
    }

    /// Whether the directory with this real path may be shared.
    ///
    /// # Errors
    /// [`Refusal`], the reason.
    pub fn check(&self, real: &Path) -> Result<(), Refusal> {
        if real == Path::new("/") {
            return Err(Refusal::Root);
        }
        if let Some(kernel) = KERNEL.iter().find(|k| real.starts_with(k)) {
            return Err(Refusal::Kernel(kernel.into()));
        }
        if self.homes.iter().any(|home| home == real) {
            return Err(Refusal::Home);
        }
        if let Some(home) = self.homes.iter().find(|home| home.starts_with(real)) {
            return Err(Refusal::AboveHome(home.clone()));
        }
        match self.own.iter().find(|own| own.starts_with(real) || real.starts_with(own)) {
            Some(own) => Err(Refusal::Own(own.clone())),
            None => Ok(()),
        }
    }

    /// Every directory that is refused itself, with the reason: to be compared by identity, as a
    /// bind mount gives one a second path.
    pub fn refused(&self) -> impl Iterator<Item = (PathBuf, Refusal)> {
        let root = std::iter::once(PathBuf::from("/"));
        let above =
            self.homes.iter().chain(&self.own).flat_map(|p| p.ancestors().map(Path::to_path_buf));
        root.chain(above).filter_map(|path| self.check(&path).err().map(|why| (path, why)))
    }
}

/// The real path of the longest part that exists, with the rest appended as it is.
fn real_prefix(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return match path.strip_prefix(ancestor) {
                Ok(rest) if rest.as_os_str().is_empty() => real,
                Ok(rest) => real.join(rest),
                Err(_) => real,
            };
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
#[path = "places_test.rs"]
mod tests;
