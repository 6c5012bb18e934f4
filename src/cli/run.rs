//! `qvm run`, which is also `qvm` alone.

use std::time::Instant;

use guest_image::{Cache, CacheError, Image, Recipe, Reporter, build};

use super::{args::RunArgs, explain, report};
use crate::{
    error::{Error, plain},
    policy::{self, PolicyError, config},
    session,
};

/// Decides, and runs or prints what was decided. `start` is when qvm started.
pub fn run(args: RunArgs, start: Instant) -> Result<u8, Error> {
    let dry_run = args.dry_run;
    let host = super::host()?;
    let user = config::read(&host.dirs.config.join("config.toml")).map_err(PolicyError::from)?;
    let plan = policy::build(args.into_request(), &user, &host)?;
    if dry_run {
        return explain::main(&plan);
    }
    let spec = plan.spec;
    let output = spec.output;
    if !output.quiet {
        for note in &plan.notes {
            super::say(&plain(note));
        }
    }
    let image = image(spec.image.as_deref(), output.quiet)?;
    let outcome = session::run(spec, &image, start)?;
    report::print(&outcome, output);
    Ok(outcome.status)
}

/// The image to run, sound as far as a quick look tells. Only the default one is made when it is
/// missing: that happens once, on the first run.
fn image(name: Option<&str>, quiet: bool) -> Result<Image, Error> {
    let cache = Cache::open()?;
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
    let built = build(&cache, &recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    Ok(built?)
}
