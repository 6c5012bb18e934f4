//! `--json` and `--timing`: how a run went, on standard error, after all output of the command.

use std::fmt::Write as _;

use crate::{
    session::{Outcome, Phases},
    spec::Output,
};

/// Prints what was asked for. JSON contains the durations, so it stands alone.
pub fn print(outcome: &Outcome, output: Output) {
    if let Some(model) = outcome.model.as_ref().filter(|_| !output.quiet) {
        super::say(&format!("model: {model}"));
    }
    if output.json {
        super::error_text(&(serde_json::to_string(outcome).unwrap_or_default() + "\n"));
    } else if output.timing {
        super::error_text(&timing(&outcome.phases));
    }
}

/// The phases that came, a line each, in milliseconds.
fn timing(phases: &Phases) -> String {
    let all = [
        ("spec", phases.spec, "arguments, policy, image"),
        ("model", phases.model, "loaded, or found loaded"),
        ("processes", phases.processes, "started and confined"),
        ("entry", phases.entry, "to the guest's first instruction"),
        ("kernel", phases.kernel, "to the agent's first instruction"),
        ("agent", phases.agent, "root, mounts, user, network"),
        ("command", phases.command, "until it runs"),
        ("run", phases.run, "the command itself"),
        ("end", phases.end, "flush and tear-down"),
        ("total", phases.total, ""),
    ];
    let mut text = String::new();
    for (name, millis, what) in all {
        if let Some(millis) = millis {
            let line = format!("qvm: {name:<9} {millis:>9.1} ms  {what}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

#[cfg(test)]
#[path = "report_test.rs"]
mod tests;
