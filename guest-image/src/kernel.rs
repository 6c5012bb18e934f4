//! The microVM kernel: one with everything built in that a guest needs, and nothing else.

use std::path::{Path, PathBuf};

use crate::{Digest, Image, ImageError, files};

/// A kernel in the cache. That it was found says nothing about its files: see [`Kernel::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel(Image);

impl From<Image> for Kernel {
    fn from(image: Image) -> Self {
        Self(image)
    }
}

impl Kernel {
    /// Digest of its recipe, which is its name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The kernel: what [`Image::kernel`] is to be.
    #[must_use]
    pub fn vmlinux(&self) -> PathBuf {
        self.0.dir.join(files::VMLINUX)
    }

    /// Its version, as `uname -r` says it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.manifest.kernel
    }

    /// As [`Image::check`].
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn check(&self) -> Result<(), ImageError> {
        self.0.check()
    }

    /// As [`Image::verify`].
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn verify(&self, seen: &mut dyn FnMut(u64)) -> Result<(), ImageError> {
        self.0.verify(seen)
    }
}
