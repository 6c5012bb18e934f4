//! What a machine starts from: an image of the cache, a layer of agents above it, and a
//! development shell above that. What is missing is made.

use std::path::PathBuf;

use guest_image::{
    Arch, Cache, CacheError, Image, Layer, Recipe, Reporter, build, build_layer, layer_for,
    nix::{self, Flake, Nix, NixError},
};

use crate::{
    error,
    error::Error,
    policy::{PolicyError, agents::Agents, flake},
    spec::Spec,
};

/// The image of a run, with its layers. The variables of a development shell become the spec's.
pub fn find(spec: &mut Spec) -> Result<Image, Error> {
    let cache = Cache::open()?;
    let quiet = spec.output.quiet;
    let shared: Vec<_> = spec.shares.iter().map(|share| share.host.clone()).collect();
    let name = spec.image.as_deref();
    let mut image = match &spec.image_flake {
        Some(flake) => made_by_nix(&cache, flake, name, &shared, quiet)?,
        None => image(&cache, spec.arch, name, quiet)?,
    };
    image.check_for(spec.arch).map_err(CacheError::from)?;
    // An image of the user's own has the user's own agents, unless more are asked for.
    if spec.agents.asked || spec.image.as_deref().is_none_or(|name| name == "default") {
        let wanted = spec.argv.first().is_some_and(|program| {
            spec.agents.names.iter().any(|name| program.to_str() == Some(name.as_str()))
        });
        image.layers = match layer(&cache, spec.arch, &spec.agents, quiet) {
            Ok(layer) => layer.iter().map(guest_image::Layer::image).collect(),
            // A machine without the default agents is still a machine.
            Err(e) if !spec.agents.asked && !wanted => {
                if !quiet {
                    super::say(&format!(
                        "note: without {}: {} (--with none says that this is meant)",
                        spec.agents.names.join(", "),
                        error::line(&e)
                    ));
                }
                Vec::new()
            }
            Err(e) => return Err(e),
        };
    }
    if let Some(flake) = &spec.flake {
        let shell = by_nix(&shared, quiet, |nix, reporter| {
            nix::dev_shell(&cache, nix, flake, &mut |progress| reporter.update(progress))
        })?;
        image.layers.push(shell.layer.image());
        let variables = shell.environment.variables.into_iter();
        spec.shell = variables.map(|(name, value)| (name.into(), value.into())).collect();
        if !shell.environment.path.is_empty() {
            // Which folders are the image's own, its agent knows.
            spec.shell.push(("PATH".into(), format!("{}:$PATH", shell.environment.path).into()));
        }
    }
    super::kernel::choose(&cache, spec.arch, spec.kernel.as_deref(), spec.nested, &mut image)?;
    Ok(image)
}

/// The image that a flake makes; `name` is what it was asked for by.
pub fn made_by_nix(
    cache: &Cache,
    flake: &Flake,
    name: Option<&str>,
    shared: &[PathBuf],
    quiet: bool,
) -> Result<Image, Error> {
    let name = name.filter(|name| *name == flake::NIXOS);
    by_nix(shared, quiet, |nix, reporter| {
        nix::flake_image(cache, nix, flake, name, &mut |progress| reporter.update(progress))
    })
}

fn by_nix<T>(
    shared: &[PathBuf],
    quiet: bool,
    make: impl FnOnce(&Nix, &mut Reporter) -> Result<T, NixError>,
) -> Result<T, Error> {
    let nix = Nix::find(&std::env::var_os("PATH").unwrap_or_default(), shared)?;
    let mut reporter = Reporter::new(quiet);
    let made = make(&nix, &mut reporter);
    reporter.finish();
    Ok(made?)
}

/// The image to run. Only the default one is made when it is
/// missing: that happens once, on the first run.
fn image(cache: &Cache, arch: Arch, name: Option<&str>, quiet: bool) -> Result<Image, Error> {
    let recipe = Recipe::debian(arch, None);
    let found = match name {
        Some("default") | None => cache.find(&recipe)?,
        Some(name) => Some(cached(cache, name)?),
    };
    if let Some(image) = found {
        return Ok(image);
    }
    if !quiet {
        super::say("building the guest image; this happens once and takes some minutes");
    }
    let mut reporter = Reporter::new(quiet);
    let built = build(cache, &recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    Ok(built?)
}

/// An image by its name, with more advice where it is the one that only a flake can make.
pub fn cached(cache: &Cache, name: &str) -> Result<Image, Error> {
    match cache.image(name) {
        Err(CacheError::Unknown(_)) if name == flake::NIXOS => Err(Error::Usage(format!(
            "nothing says which flake makes the image {name}: set {} or nixos_flake in config.toml to qvm's own, such as a checkout of it, or `qvm image import --name {name}` one",
            flake::VARIABLE
        ))),
        found => Ok(found?),
    }
}

/// The layer with these agents for machines `arch`, sound as far as a quick look tells; made if it is missing or
/// damaged.
pub fn layer(
    cache: &Cache,
    arch: Arch,
    agents: &Agents,
    quiet: bool,
) -> Result<Option<Layer>, Error> {
    let Some(recipe) = layer_for(arch, &agents.names).map_err(PolicyError::from)? else {
        return Ok(None);
    };
    if let Ok(Some(layer)) = cache.find_layer(&recipe) {
        if layer.stored().check_for(arch).is_ok() {
            return Ok(Some(layer));
        }
    }
    if !quiet {
        let names: Vec<_> = recipe.agents().collect();
        super::say(&format!("fetching {}; this happens once", names.join(", ")));
    }
    let mut reporter = Reporter::new(quiet);
    let built = build_layer(cache, &recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    Ok(Some(built?))
}
