//! The cache's two kinds of things, which are made, named, checked and removed alike.

use crate::files;

/// A directory of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Whole guests: [`crate::Image`].
    Images,
    /// What is laid above their roots: [`crate::Layer`].
    Layers,
}

impl Shelf {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Images, Self::Layers];

    /// Its name in the cache.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Layers => "layers",
        }
    }

    /// Names of the files of one thing on it, sorted.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Self::Images => &[files::MODULES, files::ROOT, files::VMLINUX, files::VMLINUZ],
            Self::Layers => &[files::LAYER],
        }
    }
}
