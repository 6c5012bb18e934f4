//! The microVM kernel: one with everything built in that a guest needs, and nothing else.
//!
//! Debian's kernel works everywhere and so takes its time to start. This one is made for one
//! kind of machine, from the same source and the configuration in `guest-image/kernel/`:
//!
//! ```text
//!   linux-source-6.12 ─▶ patch ─┬─▶ make allnoconfig ─┬─▶ make ─▶ strip ─▶ kernels/DIGEST/
//!   common.config, ARCH.config ─┘                     └─▶ an error, where an option is lost
//! ```
//!
//! It is kept in the cache as images and layers are. A kernel of somebody else's can boot, too;
//! [`check_kernel_file`] looks at it first.

mod compile;
mod elf;
mod embedded;
mod file;
mod options;
mod recipe;
mod source;
mod tools;
mod tree;

use std::path::{Path, PathBuf};

use crate::build::{Order, carry_out};
use crate::shelf::Shelf;
use crate::{
    BootstrapError, BuildError, Cache, CacheError, Contents, Image, Package, Progress, files,
};

pub(crate) use elf::inspect;
pub use file::{KernelFileError, check_kernel_file};
pub use options::Options;
pub use recipe::{KernelRecipe, KernelSource};

/// Bytes that the source and what is made of it take meanwhile, as measured, and a quarter more.
const SPACE: u64 = 1_300_000_000;

/// A kernel in the cache. That it was found says nothing about its files: see [`Image::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel(Image);

impl From<Image> for Kernel {
    fn from(image: Image) -> Self {
        Self(image)
    }
}

impl Kernel {
    /// What the cache has of it: its digest, its directory, and the checks of its files.
    #[must_use]
    pub fn stored(&self) -> &Image {
        &self.0
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
}

/// Makes the kernel of `recipe`, unless the cache has it and it is sound. Waits while another
/// process builds in the same cache.
///
/// # Errors
/// See [`BuildError`]. Nothing is left of a build that failed, but its log.
pub fn build_kernel(
    cache: &Cache,
    recipe: &KernelRecipe,
    progress: &mut dyn FnMut(Progress),
) -> Result<Kernel, BuildError> {
    let order = Order {
        shelf: Shelf::Kernels,
        digest: recipe.digest(),
        arch: recipe.arch,
        space: SPACE,
        manifest: None,
    };
    let image =
        carry_out(cache, &order, &|into, work, seen| make(recipe, into, work, seen), progress)?;
    Ok(Kernel(image))
}

fn make(
    recipe: &KernelRecipe,
    into: &Path,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Contents, BootstrapError> {
    tools::check(matches!(recipe.source, KernelSource::Debian { .. }))?;
    assemble(recipe, into, work, progress)
}

/// As [`make`], with whatever programs there are.
fn assemble(
    recipe: &KernelRecipe,
    into: &Path,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Contents, BootstrapError> {
    let (archive, packages) = match &recipe.source {
        KernelSource::Debian { package, suite } => {
            let arch = recipe.arch.debian();
            let (archive, version) = source::fetch(package, suite, arch, work, progress)?;
            (archive, vec![Package { name: package.clone(), version }])
        }
        KernelSource::Archive { path, .. } => (path.clone(), Vec::new()),
    };
    let tree = work.join("tree");
    tree::unpack(&archive, &tree, work, progress)?;
    let kernel = compile::compile(recipe, &tree, work, into, progress)?;
    Ok(Contents { kernel, packages })
}

impl Cache {
    /// The kernel that a person names: `microvm` for the default one, or the beginning of a
    /// digest.
    ///
    /// # Errors
    /// [`CacheError::Unknown`], [`CacheError::Ambiguous`], [`CacheError::Image`].
    pub fn kernel(&self, name: &str) -> Result<Kernel, CacheError> {
        self.named(name, &[Shelf::Kernels]).map(Kernel)
    }

    /// The kernel of this recipe, if it was made.
    ///
    /// # Errors
    /// [`CacheError::Image`] where its manifest is damaged.
    pub fn find_kernel(&self, recipe: &KernelRecipe) -> Result<Option<Kernel>, CacheError> {
        Ok(self.find_digest(Shelf::Kernels, &recipe.digest())?.map(Kernel))
    }
}

#[cfg(test)]
#[path = "kernel_test.rs"]
mod tests;
