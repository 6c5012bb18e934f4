//! Layers: agents as an image of their own, laid above the root.
//!
//! The root takes minutes to make and changes with the distribution; agents change every week.
//! So they are not in the root but in a second, small EROFS image with `/opt/qvm/agents` and
//! `/usr/local/bin`, which the guest's agent puts above the root. A layer is kept in the cache as
//! an image is, by the digest of its recipe, which holds the version and digest of every package:
//! another choice of agents or another version is another layer, and the root stays.
//!
//! ```text
//!   npm pack ── digest ── tar ──┐
//!                               ├──▶ stage/ ── mkfs.erofs ──▶ layer.erofs
//!   pip install --target ───────┘
//! ```

pub(crate) mod client;
mod npm;
mod pypi;
mod sha512;
pub(crate) mod stage;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::agents::{self, Agent, Source};
use crate::build::{BuildError, Contents, Order, carry_out};
use crate::files::FileError;
use crate::shelf::Shelf;
use crate::{Arch, BootstrapError, Cache, Digest, Image, Package, Phase, Progress, files};

/// Raised when the builder would make something else of the same recipe.
const BUILDER: u32 = 1;

/// Time stamp of every file in a layer, seconds since 1970-01-01 UTC.
const EPOCH: u64 = 1_755_000_000;

/// Bytes that an agent takes while its layer is made: package, program and image. Measured with
/// the largest and a quarter more.
const SPACE: u64 = 1_100_000_000;

/// What a layer is made of. Its digest names the layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerRecipe {
    builder: u32,
    arch: Arch,
    epoch: u64,
    agents: Vec<Ingredient>,
}

/// An agent in a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Ingredient {
    name: &'static str,
    version: &'static str,
    /// All that decides about its files.
    pins: Vec<&'static str>,
}

/// Agents of which no layer can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// No agent has this name.
    #[error("there is no agent {0:?}: `qvm agents` lists them; `none` means none")]
    Unknown(String),
    /// It works with no local model.
    #[error("{0} is not supported: {1}")]
    Unsupported(String, &'static str),
    /// No registry has it in a form that the image can run.
    #[error("the image cannot have {0}: {1}")]
    Absent(&'static str, &'static str),
    /// Not for this machine.
    #[error("there is no {0} for {1}")]
    Machine(&'static str, Arch),
}

/// The layer for this machine with these agents, in any order; `None` where there are none.
///
/// # Errors
/// [`ChoiceError`] for the first that no layer can have.
pub fn layer_for(
    arch: Arch,
    names: &[impl AsRef<str>],
) -> Result<Option<LayerRecipe>, ChoiceError> {
    let mut chosen = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        if let Some((_, reason)) = agents::UNSUPPORTED.iter().find(|(known, _)| *known == name) {
            return Err(ChoiceError::Unsupported(name.to_owned(), reason));
        }
        let agent = agents::find(name).ok_or_else(|| ChoiceError::Unknown(name.to_owned()))?;
        if let Source::Absent(reason) = agent.source {
            return Err(ChoiceError::Absent(agent.name, reason));
        }
        let ingredient = ingredient(agent, arch).ok_or(ChoiceError::Machine(agent.name, arch))?;
        chosen.push(ingredient);
    }
    chosen.sort_unstable_by_key(|ingredient| ingredient.name);
    chosen.dedup();
    let recipe = LayerRecipe { builder: BUILDER, arch, epoch: EPOCH, agents: chosen };
    Ok((!recipe.agents.is_empty()).then_some(recipe))
}

fn ingredient(agent: &Agent, arch: Arch) -> Option<Ingredient> {
    let pins = match agent.source {
        Source::Npm(_) => {
            let npm = agent.source.npm(arch.name())?;
            let kept = npm.keep.iter().flat_map(|(from, to)| [*from, *to]);
            [npm.package, npm.version, npm.integrity].into_iter().chain(kept).collect()
        }
        Source::PyPI { requirements, entry: (module, function), .. } => {
            vec![requirements, module, function]
        }
        Source::Absent(_) => return None,
    };
    Some(Ingredient { name: agent.name, version: agent.version(arch.name())?, pins })
}

impl LayerRecipe {
    /// The digest that names the layer.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Plain strings and numbers always have a JSON form.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Its agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.agents.iter().map(|ingredient| ingredient.name)
    }
}

/// A layer in the cache. That it was found says nothing about its file: see [`Image::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer(Image);

impl From<Image> for Layer {
    fn from(image: Image) -> Self {
        Self(image)
    }
}

impl Layer {
    /// What the cache has of it: its digest, its directory, and the checks of its files.
    #[must_use]
    pub fn stored(&self) -> &Image {
        &self.0
    }

    /// The EROFS image: what [`Image::layers`] is to be.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.0.dir.join(files::LAYER)
    }

    /// Its agents and their versions.
    #[must_use]
    pub fn agents(&self) -> &[Package] {
        &self.0.manifest.packages
    }

    /// Bytes of its file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.manifest.size()
    }
}

/// Makes the layer of `recipe` from the registries' packages, unless the cache has it and it is
/// sound. Waits while another process builds in the same cache.
///
/// # Errors
/// See [`BuildError`]. Nothing is left of a build that failed.
pub fn build_layer(
    cache: &Cache,
    recipe: &LayerRecipe,
    progress: &mut dyn FnMut(Progress),
) -> Result<Layer, BuildError> {
    let order = Order {
        shelf: Shelf::Layers,
        digest: recipe.digest(),
        arch: recipe.arch,
        space: SPACE * recipe.agents.len() as u64,
        manifest: None,
    };
    let image =
        carry_out(cache, &order, &|into, work, seen| make(recipe, into, work, seen), progress)?;
    Ok(Layer(image))
}

/// Why the packages did not become a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A program is missing, or failed.
    #[error(transparent)]
    Client(#[from] client::ClientError),
    /// A package is not what it should be.
    #[error(
        "{package} from the registry is not the one that this qvm knows: its digest is {found} instead of {expected}; \
         whoever serves the registry may have changed it"
    )]
    Integrity {
        /// Name and version.
        package: String,
        /// Its digest.
        found: String,
        /// The digest in the table.
        expected: &'static str,
    },
    /// A package lacks a file, or a client wrote none.
    #[error("{package} has no {file}")]
    Lacks {
        /// Name and version.
        package: String,
        /// What is missing.
        file: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

fn make(
    recipe: &LayerRecipe,
    into: &Path,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Contents, BootstrapError> {
    let total = recipe.agents.len() as u64;
    let chosen = || recipe.agents().filter_map(agents::find);
    client::check(chosen())?;
    let stage = stage::Stage::new(work)?;
    for (done, agent) in (0..).zip(chosen()) {
        progress(Progress { phase: Phase::Agents, done, total });
        match agent.source {
            Source::Npm(_) => {
                if let Some(npm) = agent.source.npm(recipe.arch.name()) {
                    npm::fetch(agent.name, npm, &stage, work)?;
                }
            }
            Source::PyPI { requirements, entry, .. } => {
                pypi::fetch(agent.name, requirements, entry, recipe.arch.name(), &stage, work)?;
            }
            // `layer_for` refuses these.
            Source::Absent(_) => {}
        }
    }
    progress(Progress::start(Phase::Layer));
    stage.pack(&into.join(files::LAYER), recipe.epoch, &recipe.digest(), work)?;
    let packages = recipe
        .agents
        .iter()
        .map(|agent| Package { name: agent.name.to_owned(), version: agent.version.to_owned() })
        .collect();
    Ok(Contents { kernel: String::new(), packages })
}

#[cfg(test)]
#[path = "layer_test.rs"]
mod tests;
