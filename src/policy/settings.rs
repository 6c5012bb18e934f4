//! What is used where several places speak: a flag, else the user's file, else the default; and
//! without a flag the project's file bounds it from above.

use std::time::Duration;

use guest_image::nix::Flake;

use super::{agents::Agents, config::Config, project::Project, sys::Limits, units};
use crate::accel::Choice;

/// Memory of a machine that was given none, unless the host has less than twice as much.
const USUAL_MEMORY: u64 = 4 << 30;

/// Virtual CPUs of a machine that was given none, unless the host has fewer.
const USUAL_CPUS: u8 = 4;

/// What the command line says of the settings that files may give too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-m`, in bytes.
    pub memory: Option<u64>,
    /// `--cpus`.
    pub cpus: Option<u8>,
    /// `--accel`.
    pub accel: Option<Choice>,
    /// `--image`.
    pub image: Option<String>,
    /// `--flake`.
    pub flake: Option<Flake>,
    /// `--kernel`.
    pub kernel: Option<String>,
    /// `--with`.
    pub with: Option<Agents>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--read-only-workspace`.
    pub read_only_workspace: Option<bool>,
}

/// What is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes.
    pub memory: u64,
    /// 1–32.
    pub cpus: u8,
    /// What to run them with, if possible.
    pub accel: Choice,
    /// `None`: the default.
    pub image: Option<String>,
    /// The development shell above the image.
    pub flake: Option<Flake>,
    /// `None`: the microVM kernel where there is one.
    pub kernel: Option<String>,
    /// Agents above the image.
    pub agents: Agents,
    /// `None`: no limit.
    pub timeout: Option<Duration>,
    /// The device refuses changes of the workspace.
    pub read_only_workspace: bool,
}

/// More memory than there is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of guest memory were asked for, but this machine has {}; ask for less with -m", units::show_bytes(*.asked), units::show_bytes(*.there))]
pub struct TooMuchMemory {
    /// Bytes.
    pub asked: u64,
    /// Bytes.
    pub there: u64,
}

/// Decides.
///
/// # Errors
/// [`TooMuchMemory`].
pub fn resolve(
    flags: &Flags,
    project: &Project,
    user: &Config,
    host: Limits,
) -> Result<Settings, TooMuchMemory> {
    let usual_memory =
        USUAL_MEMORY.min(host.memory / 2 / units::MIB * units::MIB).max(units::LEAST_MEMORY);
    let usual_cpus = u8::try_from(host.cpus).unwrap_or(USUAL_CPUS).clamp(1, USUAL_CPUS);
    let memory = flags
        .memory
        .unwrap_or_else(|| bounded(user.memory.unwrap_or(usual_memory), project.memory));
    if memory > host.memory {
        return Err(TooMuchMemory { asked: memory, there: host.memory });
    }
    let read_only =
        project.read_only_workspace == Some(true) || user.read_only_workspace == Some(true);
    Ok(Settings {
        memory,
        cpus: flags.cpus.unwrap_or_else(|| bounded(user.cpus.unwrap_or(usual_cpus), project.cpus)),
        accel: flags.accel.or(user.accel).unwrap_or_default(),
        image: flags.image.clone().or_else(|| user.image.clone()),
        flake: flags.flake.clone().or_else(|| user.flake.clone()),
        kernel: flags.kernel.clone().or_else(|| user.kernel.clone()),
        agents: flags.with.clone().or_else(|| user.with.clone()).unwrap_or_default(),
        timeout: flags.timeout.or_else(|| match (user.timeout, project.timeout) {
            (Some(user), project) => Some(bounded(user, project)),
            (None, project) => project,
        }),
        read_only_workspace: flags.read_only_workspace.unwrap_or(read_only),
    })
}

/// The lesser of a value and a bound, if there is one.
fn bounded<T: Ord>(value: T, bound: Option<T>) -> T {
    match bound {
        Some(bound) => value.min(bound),
        None => value,
    }
}

#[cfg(test)]
#[path = "settings_test.rs"]
mod tests;
