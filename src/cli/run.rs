//! `qvm run`, which is also `qvm` alone.

use super::{args::RunArgs, explain};
use crate::{
    error::Error,
    policy::{self, PolicyError, config},
};

/// Decides, and runs or prints what was decided.
pub fn run(args: RunArgs) -> Result<u8, Error> {
    let dry_run = args.dry_run;
    let host = super::host()?;
    let user = config::read(&host.dirs.config.join("config.toml")).map_err(PolicyError::from)?;
    let plan = policy::build(args.into_request(), &user, &host)?;
    if dry_run {
        return explain::main(&plan);
    }
    if !plan.spec.output.quiet {
        for note in &plan.notes {
            super::say(&crate::error::plain(note));
        }
    }
    start(plan.spec)
}

/// Hands over to the session.
fn start(_spec: crate::spec::Spec) -> Result<u8, Error> {
    Err(Error::Usage("this build has no session".into()))
}
