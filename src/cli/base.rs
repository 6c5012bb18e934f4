//! What a machine starts from: an image of the cache and a layer of agents above it. Both are
//! made when they are missing.

use guest_image::{
    Cache, CacheError, Image, Layer, Recipe, Reporter, build, build_layer, layer_for,
};

use crate::{
    error,
    error::Error,
    policy::{PolicyError, agents::Agents},
    spec::Spec,
};

/// The image of a run, with its layer.
pub fn find(spec: &Spec) -> Result<Image, Error> {
    let cache = Cache::open()?;
    let quiet = spec.output.quiet;
    let mut image = image(&cache, spec.image.as_deref(), quiet)?;
    // An image of the user's own has the user's own agents, unless more are asked for.
    if spec.agents.asked || spec.image.as_deref().is_none_or(|name| name == "default") {
        let wanted = spec.argv.first().is_some_and(|program| {
            spec.agents.names.iter().any(|name| program.to_str() == Some(name.as_str()))
        });
        image.layers = match layer(&cache, &spec.agents, quiet) {
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
    Ok(image)
}

/// The image to run, sound as far as a quick look tells. Only the default one is made when it is
/// missing: that happens once, on the first run.
fn image(cache: &Cache, name: Option<&str>, quiet: bool) -> Result<Image, Error> {
    let recipe = Recipe::default_debian();
    let found = match name {
        Some("default") | None => cache.find(&recipe)?,
        Some(name) => Some(cache.image(name)?),
    };
    if let Some(image) = found {
        image.check().map_err(CacheError::from)?;
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

/// The layer with these agents, sound as far as a quick look tells; made if it is missing or
/// damaged.
pub fn layer(cache: &Cache, agents: &Agents, quiet: bool) -> Result<Option<Layer>, Error> {
    let Some(recipe) = layer_for(&agents.names).map_err(PolicyError::from)? else {
        return Ok(None);
    };
    if let Ok(Some(layer)) = cache.find_layer(&recipe) {
        if layer.check().is_ok() {
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
