//! `qvm run`, which is also `qvm` alone.

use std::time::Instant;

use guest_image::agents;

use super::{args::RunArgs, base, explain, report};
use crate::{
    error::{Error, plain},
    policy::{self, PolicyError, config},
    session,
};

/// Status of a command that the guest does not have.
const NOT_FOUND: u8 = 127;

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
    let image = base::find(&spec)?;
    let program = spec.argv.first().map(|word| word.to_string_lossy().into_owned());
    let outcome = session::run(spec, &image, start)?;
    if outcome.status == NOT_FOUND {
        if let Some(hint) = program.as_deref().and_then(agents::hint) {
            super::say(&plain(&hint));
        }
    }
    report::print(&outcome, output);
    Ok(outcome.status)
}
