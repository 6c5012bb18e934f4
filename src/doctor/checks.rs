//! The checks. Each is a function from what was gathered to a [`Finding`].

mod engine;
mod files;
mod model;
mod server;

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use confine::{State, Support};
pub use files::free;

use super::report::{Finding, Report};
use crate::{
    accel::{self, Choice, Facts},
    policy::{host::Host, units},
    spec::Accel,
};

/// What was looked at, and what it means.
pub struct Looked {
    /// What runs machines.
    pub facts: Facts,
    /// What of it is taken.
    pub decision: Result<accel::Decision, accel::AccelError>,
    /// All checks.
    pub report: Report,
}

/// All checks, in the order in which they are shown.
pub fn all(host: &Host, try_model: bool) -> Looked {
    // What lies in the current directory is not run, unless that could not be shared anyway.
    let shared: Vec<_> = host
        .cwd
        .canonicalize()
        .ok()
        .filter(|dir| host.places.check(dir).is_ok())
        .into_iter()
        .collect();
    let facts = Facts::gather_all(host.var("PATH").map(|path| path.as_os_str()), &shared);
    let decision = accel::decide(Choice::Auto, &facts);
    let hardware = decision.as_ref().is_ok_and(|decision| decision.accel != Accel::Tcg);
    let mut findings = engine::all(&facts, hardware);
    findings.extend(match confine::seatbelt::support() {
        // This process is in none; those that it starts are.
        Some(_) => vec![seatbelt(Path::new(confine::seatbelt::PROGRAM))],
        None => confinement(&confine::probe()),
    });
    findings.push(memory(host));
    findings.extend(files::all(host));
    findings.extend(model::all(host, &shared, try_model));
    findings.push(terminal());
    let engine = match &decision {
        Ok(decision) => {
            format!("`--accel auto` takes {}: {}", decision.accel.name(), decision.reason)
        }
        Err(e) => e.to_string(),
    };
    Looked { facts, decision, report: Report::new(findings, engine) }
}

/// What processes are confined with on macOS.
fn seatbelt(program: &Path) -> Finding {
    match program.is_file() {
        true => Finding::ok("seatbelt", format!("{} is there", program.display())),
        false => Finding::fail(
            "seatbelt",
            format!("there is no {}", program.display()),
            "it is part of macOS; without it processes are not confined, and do not start",
        ),
    }
}

/// What the host processes can be confined with. Missing layers are worth a warning: the others
/// overlap, and a process that no layer keeps from the host's files does not start.
fn confinement(support: &Support) -> Vec<Finding> {
    let finding = |check, state: &State, advice: &str| match state {
        State::Active { .. } => Finding::ok(check, state.to_string()),
        State::Partial { .. } | State::Missing { .. } => {
            Finding::warn(check, state.to_string(), advice)
        }
    };
    let kernel = "a newer kernel adds this layer";
    let mut findings = vec![
        finding(
            "user ns",
            &support.user_namespace,
            "allow unprivileged user namespaces, or go on with the other layers",
        ),
        finding(
            "namespaces",
            &support.namespaces,
            "allow unprivileged user namespaces, or go on with the other layers",
        ),
        finding("landlock", &support.landlock, kernel),
        finding("seccomp", &support.seccomp, "use a kernel with CONFIG_SECCOMP_FILTER"),
    ];
    if support.namespaces.is_missing() && support.landlock.is_missing() {
        findings.push(Finding::fail(
            "confinement",
            "neither namespaces nor landlock keep a process from files",
            kernel,
        ));
    }
    findings
}

/// Memory of the host.
fn memory(host: &Host) -> Finding {
    let there = host.limits.memory;
    let fact = format!("{} and {} CPUs can be used", units::show_bytes(there), host.limits.cpus);
    match there / 2 {
        half if half < units::LEAST_MEMORY => {
            Finding::fail("memory", fact, "a machine needs at least 128 MiB of its own")
        }
        half if half < 1 << 30 => {
            Finding::warn("memory", fact, "builds and agents want 1 GiB or more for the guest")
        }
        _ => Finding::ok("memory", fact),
    }
}

/// Whether a command would get a terminal.
fn terminal() -> Finding {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        Finding::ok("terminal", "commands get a terminal")
    } else {
        Finding::ok("terminal", "none here; commands get three pipes")
    }
}

#[cfg(test)]
#[path = "checks_test.rs"]
mod tests;
