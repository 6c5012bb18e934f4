//! Directories of the host that are never shared (A29).
//!
//! A share of one of these, or of a directory above or below it, would hand the guest what it is
//! meant to be kept from: the keys in a home directory, or qvm's own images and sockets.

use std::path::{Path, PathBuf};

use super::{guest_path::KERNEL, sys};

/// What must not be shared on this machine. All paths are real (free of symbolic links) as far
/// as they exist.
#[derive(Debug, Clone, Default)]
pub struct Places {
    homes: Vec<PathBuf>,
    own: Vec<PathBuf>,
    kept: Vec<Kept>,
}

/// A directory of the system that is not shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub path: PathBuf,
    /// What lies below is not shared either.
    pub below: bool,
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
    /// A directory of the operating system.
    #[error("{} is the system's, or holds settings and keys; share a project directory", .0.display())]
    Kept(PathBuf),
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
        let homes: Vec<PathBuf> = real(homes);
        let kept = homes.iter().flat_map(|home| sys::kept(home)).collect();
        Self { homes, own: real(own), kept }
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
        if let Some(own) =
            self.own.iter().find(|own| own.starts_with(real) || real.starts_with(own))
        {
            return Err(Refusal::Own(own.clone()));
        }
        let fits = |kept: &&Kept| kept.path == real || (kept.below && real.starts_with(&kept.path));
        // The deepest decides, so that a list can let a part of something be shared.
        match self
            .kept
            .iter()
            .filter(|kept| real.starts_with(&kept.path))
            .max_by_key(|k| depth(&k.path))
        {
            Some(kept) if fits(&kept) => Err(Refusal::Kept(kept.path.clone())),
            _ => Ok(()),
        }
    }

    /// Whether the directory lies in qvm's own, by the identity of what is above it: a file system
    /// that takes `A` for `a`, or a mount, gives a directory more than one path.
    ///
    /// # Errors
    /// [`Refusal::Own`].
    pub fn check_above(&self, real: &Path) -> Result<(), Refusal> {
        let identity = |path: &Path| rustix::fs::stat(path).ok().map(|s| (s.st_dev, s.st_ino));
        for own in &self.own {
            let Some(wanted) = identity(own) else { continue };
            if real.ancestors().any(|above| identity(above) == Some(wanted)) {
                return Err(Refusal::Own(own.clone()));
            }
        }
        Ok(())
    }

    /// Every directory that is refused itself, with the reason: to be compared by identity, as a
    /// bind mount gives one a second path.
    pub fn refused(&self) -> impl Iterator<Item = (PathBuf, Refusal)> {
        let root = std::iter::once(PathBuf::from("/"));
        let above = self
            .homes
            .iter()
            .chain(&self.own)
            .chain(self.kept.iter().map(|kept| &kept.path))
            .flat_map(|p| p.ancestors().map(Path::to_path_buf));
        root.chain(above).filter_map(|path| self.check(&path).err().map(|why| (path, why)))
    }
}

/// Parts of a path.
fn depth(path: &Path) -> usize {
    path.components().count()
}

/// What is not shared on a Mac: macOS itself, folders that hold everybody's, and in a home what
/// programs keep there (keychains, mail, cookies). Documents of cloud services lie in there, too;
/// their folders can be shared, each by itself.
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "its tests run everywhere"))]
pub fn of_macos(home: &Path) -> Vec<Kept> {
    let system = [
        ("/System", true),
        ("/Library", true),
        ("/bin", true),
        ("/sbin", true),
        ("/private/etc", true),
        ("/private/var", false),
        ("/private/var/db", true),
        ("/private/var/root", true),
        ("/private/var/folders", false),
        ("/private/tmp", false),
        ("/private", false),
        ("/usr", false),
        ("/usr/bin", true),
        ("/usr/lib", true),
        ("/usr/libexec", true),
        ("/usr/sbin", true),
        ("/usr/share", true),
        ("/opt", false),
        ("/Applications", true),
        ("/Volumes", false),
        ("/Users", false),
        ("/cores", true),
    ];
    let own = [
        ("Library", true),
        ("Library/Mobile Documents", false),
        ("Library/CloudStorage", false),
        (".Trash", true),
    ];
    let system = system.map(|(path, below)| Kept { path: path.into(), below });
    let own = own.map(|(path, below)| Kept { path: home.join(path), below });
    system.into_iter().chain(own).collect()
}

/// The real path of the longest part that exists, with the rest appended as it is.
fn real_prefix(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = sys::real_path(ancestor) {
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
