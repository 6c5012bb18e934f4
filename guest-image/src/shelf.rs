//! The cache's kinds of things, which are made, named, checked and removed alike.

use crate::files;

/// A directory of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Whole guests: [`crate::Image`].
    Images,
    /// What is laid above their roots: [`crate::Layer`].
    Layers,
    /// What boots in place of their own kernels: [`crate::Kernel`].
    Kernels,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Images, Self::Layers, Self::Kernels];

    /// Its name in the cache.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Layers => "layers",
            Self::Kernels => "kernels",
        }
    }

    /// What is on it, for people.
    pub fn what(self) -> &'static str {
        match self {
            Self::Images => "image",
            Self::Layers => "layer",
            Self::Kernels => "kernel",
        }
    }

    /// Names of the files that each thing on it has.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Images => &[files::ROOT],
            Self::Layers => &[files::LAYER],
            Self::Kernels => &[files::CONFIG, files::VMLINUX],
        }
    }

    /// Names of the files that a thing on it may have too.
    pub fn optional(self) -> &'static [&'static str] {
        match self {
            Self::Images => &[files::CONFIG, files::MODULES, files::VMLINUX, files::VMLINUZ],
            Self::Layers => &[files::ENVIRONMENT],
            Self::Kernels => &[],
        }
    }

    /// Names of all files there can be.
    pub fn files(self) -> impl Iterator<Item = &'static str> {
        self.required().iter().chain(self.optional()).copied()
    }

    /// Whether a thing of this shelf can consist of these files.
    pub fn holds<'a>(self, mut names: impl Iterator<Item = &'a str> + Clone) -> bool {
        self.required().iter().all(|name| names.clone().any(|there| there == *name))
            && names.all(|name| self.files().any(|known| known == name))
    }
}

#[cfg(test)]
#[path = "shelf_test.rs"]
mod tests;
