//! `qvm run`, which is also `qvm` alone.

use std::time::Instant;

use guest_image::agents;

use super::{args::RunArgs, base, explain, report};
use crate::{
    error::{Error, plain},
    policy::{self, PolicyError, config},
    serve::{self, weights},
    session,
    spec::Model,
};

/// Status of a command that the guest does not have.
const NOT_FOUND: u8 = 127;

/// Decides, and runs or prints what was decided. `start` is when qvm started.
pub fn run(args: RunArgs, start: Instant) -> Result<u8, Error> {
    let dry_run = args.dry_run;
    let host = super::host()?;
    let user = config::read(&host.dirs.config.join("config.toml")).map_err(PolicyError::from)?;
    let models = super::serve::read(&host)?;
    let plan = policy::build(args.into_request(), &user, &models, &host)?;
    if dry_run {
        return explain::main(&plan);
    }
    let mut spec = plan.spec;
    let output = spec.output;
    if !output.quiet {
        for note in &plan.notes {
            super::say(&plain(note));
        }
    }
    let image = base::find(&mut spec)?;
    if let Some(Model::Local(local)) = &spec.model {
        // Here is the terminal that shows how far a download is; the server has none.
        let shared: Vec<_> = spec.shares.iter().map(|share| share.host.clone()).collect();
        let profile = serve::choose(&models, &local.choice).map_err(Error::Model)?;
        weights::fetch(&profile, &host, &shared, output.quiet).map_err(Error::Model)?;
    }
    let personal = host.dirs.config.join("agent-home");
    let program = spec.argv.first().map(|word| word.to_string_lossy().into_owned());
    let outcome = session::run(spec, &image, &personal, start)?;
    if outcome.status == NOT_FOUND {
        if let Some(hint) = program.as_deref().and_then(agents::hint) {
            super::say(&plain(&hint));
        }
    }
    report::print(&outcome, output);
    Ok(outcome.status)
}
