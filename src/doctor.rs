//! `qvm doctor`: what this machine can do, what qvm will use, and how to get better (D19).

mod bug;
mod checks;
mod report;

use crate::{error::Error, policy::host::Host};

/// Exit status when no machine could be run here. Different from 125, which says that the check
/// itself failed.
pub const CANNOT_RUN: u8 = 1;

/// Looks at everything and prints it; 0 when machines can be run, else [`CANNOT_RUN`]. With
/// `try_model` the default model computes something, also where there is no GPU.
pub fn main(host: &Host, try_model: bool, json: bool) -> Result<u8, Error> {
    let report = checks::all(host, try_model).report;
    let text = if json { crate::cli::json(&report) } else { report.text() };
    crate::cli::print(&text)?;
    Ok(if report.usable { 0 } else { CANNOT_RUN })
}

/// Prints all that a bug report needs; 0, as the report is what was asked for.
pub fn report(host: &Host, try_model: bool, json: bool) -> Result<u8, Error> {
    let bug = bug::Bug::gather(host, try_model);
    crate::cli::print(&if json { crate::cli::json(&bug) } else { bug.text() })?;
    Ok(0)
}
