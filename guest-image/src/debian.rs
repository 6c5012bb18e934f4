//! Makes an image from Debian's packages with mmdebstrap, as root or not.
//!
//! mmdebstrap unpacks and configures the packages in a directory where it is root, truly or in
//! a user namespace. The recipe's script runs there at the end and leaves the root as an EROFS
//! image, with the ownership that only that place knows, and the kernel's package beside it.
//! Both are copied out; the kernel is taken apart here. The root of another machine is made by
//! this machine's programs as far as they can; the packages' own scripts are emulated.

mod foreign;
mod kernel;
mod leftovers;
mod log;
mod mmdebstrap;
mod sources;
mod tools;

use std::env;
use std::fs;
use std::path::Path;

use crate::files::{FileError, failed};
use crate::{Arch, Bootstrap, BootstrapError, Contents, Package, Phase, Progress, Recipe, files};

pub(crate) use leftovers::clean_leftovers;
pub(crate) use mmdebstrap::apt_settings;
pub use sources::{Mirror, SourcesError};
pub(crate) use tools::{KEYRING, on_path};
pub use tools::{ToolsError, check as check_tools};

/// The bootstrap that makes real images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Debian;

/// Why Debian's packages did not become an image.
#[derive(Debug, thiserror::Error)]
pub enum DebianError {
    /// No mirror.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// Programs are missing.
    #[error(transparent)]
    Tools(#[from] tools::ToolsError),
    /// Programs of the other machine cannot run here.
    #[error(transparent)]
    Foreign(#[from] foreign::ForeignError),
    /// mmdebstrap failed.
    #[error(transparent)]
    Mmdebstrap(#[from] mmdebstrap::MmdebstrapError),
    /// The kernel's package is not as expected.
    #[error(transparent)]
    Kernel(#[from] kernel::KernelError),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Bytes that the image and its parts take while it is made, as measured, and a quarter more.
const IMAGE_SPACE: u64 = 800_000_000;
/// Bytes that the unpacked root takes meanwhile.
const ROOT_SPACE: u64 = 1_400_000_000;

impl Bootstrap for Debian {
    fn space(&self) -> u64 {
        if mmdebstrap::works_in_cache() { IMAGE_SPACE + ROOT_SPACE } else { IMAGE_SPACE }
    }

    fn make(
        &self,
        recipe: &Recipe,
        into: &Path,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Contents, BootstrapError> {
        Ok(make(recipe, into, work, progress)?)
    }
}

fn make(
    recipe: &Recipe,
    into: &Path,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Contents, DebianError> {
    progress(Progress::start(Phase::Index));
    tools::check()?;
    let mirror = Mirror::of_this_machine()?;
    let foreign = match recipe.arch {
        Arch::HOST => None,
        arch => Some(foreign::Foreign::find(arch, &env::var("PATH").unwrap_or_default())?),
    };
    let out = mmdebstrap::run(recipe, foreign.as_ref(), &mirror, work, progress)?;

    progress(Progress::start(Phase::Kernel));
    let kernel =
        kernel::take_apart(recipe, &out.join("kernel.deb"), &out.join("modules.dep"), work, into)?;

    let (from, to) = (out.join("root.erofs"), into.join(files::ROOT));
    fs::rename(&from, &to).map_err(failed("move", &from))?;
    let path = out.join("packages");
    let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
    Ok(Contents { kernel, packages: packages(&text) })
}

/// Lines of a name and a version.
fn packages(text: &str) -> Vec<Package> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, version)| Package { name: name.to_owned(), version: version.to_owned() })
        .collect()
}
