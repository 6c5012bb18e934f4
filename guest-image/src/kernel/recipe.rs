//! What a kernel is to be made of.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{Arch, Digest};

/// Raised when the builder would make something else of the same recipe.
const BUILDER: u32 = 1;

/// What a kernel is made of. Its digest names the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KernelRecipe {
    builder: u32,
    /// Machine that it is for.
    pub arch: Arch,
    /// Where its source comes from.
    pub source: KernelSource,
    /// The configuration asked for, as text: see `guest-image/kernel/`.
    pub config: String,
    /// What is changed in the source, as patch(1) takes it; may be empty.
    pub patch: String,
    /// When it was made, as it says itself, always: in the form of date(1), in UTC.
    pub stamp: String,
}

/// Where the source of a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelSource {
    /// A package of Debian with `usr/src/PACKAGE.tar.xz`.
    Debian {
        /// Its name.
        package: String,
        /// The release it is taken from.
        suite: String,
    },
    /// An archive of the user's: `linux-….tar`, compressed as its name says. It is known by its
    /// content.
    Archive {
        /// Where it is.
        #[serde(skip)]
        path: PathBuf,
        /// Its content.
        sha256: Digest,
    },
}

impl KernelRecipe {
    /// The kernel that images boot unless told otherwise: our configuration on Debian's source.
    #[must_use]
    pub fn default_debian() -> Self {
        Self::debian(Arch::HOST)
    }

    /// The same for any machine. It is compiled only where it is to run.
    #[must_use]
    pub fn debian(arch: Arch) -> Self {
        let source = KernelSource::Debian {
            package: "linux-source-6.12".to_owned(),
            suite: "trixie".to_owned(),
        };
        Self::of(arch, source)
    }

    /// Our configuration on the source in an archive, for this machine.
    ///
    /// # Errors
    /// What reading the archive says.
    pub fn of_archive(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let sha256 = Digest::of_file(&path, &mut |_| {})?;
        Ok(Self::of(Arch::HOST, KernelSource::Archive { path, sha256 }))
    }

    fn of(arch: Arch, source: KernelSource) -> Self {
        let own = match arch {
            Arch::Aarch64 => include_str!("../../kernel/aarch64.config"),
            Arch::X86_64 => include_str!("../../kernel/x86_64.config"),
        };
        Self {
            builder: BUILDER,
            arch,
            source,
            config: format!("{}\n{own}", include_str!("../../kernel/common.config")),
            patch: include_str!("../../kernel/acpi-without-pci.patch").to_owned(),
            stamp: "Tue Aug 12 12:00:00 UTC 2025".to_owned(),
        }
    }

    /// The digest that names the kernel.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Plain strings and numbers always have a JSON form.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

#[cfg(test)]
#[path = "recipe_test.rs"]
mod tests;
