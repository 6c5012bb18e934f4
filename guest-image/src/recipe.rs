//! What an image is to be made of.

use serde::Serialize;

use crate::{Arch, Digest};

/// Raised when the builder would make something else of the same recipe.
const BUILDER: u32 = 1;

/// What an image is made of. Its digest names the image, so that a recipe that changes in any
/// way is another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    builder: u32,
    /// Machine that it is for.
    pub arch: Arch,
    /// Debian's release.
    pub suite: String,
    /// Debian's kernel metapackage.
    pub kernel: String,
    /// Packages of the root, sorted, beside those that every Debian has.
    pub packages: Vec<String>,
    /// Kernel modules of `modules.cpio`, in the order wanted.
    pub modules: Vec<String>,
    /// Options for dpkg while the root is made.
    pub dpkg_options: Vec<String>,
    /// Shell script that finishes the root.
    pub customize: String,
    /// Time stamp of every file in the root, seconds since 1970-01-01 UTC.
    pub epoch: u64,
}

impl Recipe {
    /// The image that `qvm` uses unless told otherwise: Debian 13 and its cloud kernel.
    #[must_use]
    pub fn default_debian() -> Self {
        Self::debian(Arch::HOST, None)
    }

    /// The same for any machine, and with a kernel of another of Debian's flavours, if one is
    /// given: the end of the name of its package, such as `arm64-16k`.
    #[must_use]
    pub fn debian(arch: Arch, flavour: Option<&str>) -> Self {
        let cloud = format!("cloud-{}", arch.debian());
        let mut packages = lines(include_str!("../debian/packages"));
        packages.sort_unstable();
        packages.dedup();
        let mut modules = lines(include_str!("../debian/modules"));
        if flavour.is_some() {
            // Part of the cloud kernels, a module of others; erofs asks for it by what it does.
            modules.insert(0, "crc32c_generic".to_owned());
        }
        Self {
            builder: BUILDER,
            arch,
            suite: "trixie".to_owned(),
            kernel: format!("linux-image-{}", flavour.unwrap_or(&cloud)),
            packages,
            modules,
            dpkg_options: lines(include_str!("../debian/dpkg.conf")),
            customize: include_str!("../debian/customize.sh").to_owned(),
            epoch: 1_755_000_000,
        }
    }

    /// The digest that names the image.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Plain strings and numbers always have a JSON form.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The lines of a data file without comments and blank lines.
fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
#[path = "recipe_test.rs"]
mod tests;
