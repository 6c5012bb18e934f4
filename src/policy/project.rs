//! The project's file, `.qvm.toml` in the workspace. The guest can write it, so it is hostile:
//! it can only make the next machine tighter (A30).

use std::{
    io::{self, Read},
    path::Path,
    time::Duration,
};

use serde::Deserialize;

use super::{config, config::ConfigError, sys};
use crate::spec::Share;

/// Its name, directly in the workspace.
pub const NAME: &str = ".qvm.toml";

/// Largest file that is read, in bytes.
pub const LARGEST: u64 = 64 << 10;

/// Keys that are known for the user's file or the command line, and that a project may not have.
const WIDENING: [&str; 25] = [
    "accel",
    "env",
    "image",
    "kernel",
    "flake",
    "nixos_flake",
    "with",
    "publish",
    "share",
    "shares",
    "guest_root",
    "name",
    "workdir",
    "network",
    "nested",
    "allow",
    "model",
    "models",
    "default",
    "upstream",
    "server",
    "server_bin",
    "log_requests",
    "gpu",
    "context",
];

/// Upper bounds from a project. A bound above what would be used has no effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// At most this much memory, in bytes.
    #[serde(deserialize_with = "config::memory")]
    pub memory: Option<u64>,
    /// At most so many virtual CPUs.
    #[serde(deserialize_with = "config::cpus")]
    pub cpus: Option<u8>,
    /// At most this long.
    #[serde(deserialize_with = "config::duration")]
    pub timeout: Option<Duration>,
    /// Share the workspace read-only. Only `true` is taken.
    pub read_only_workspace: Option<bool>,
}

/// Reads the file of a workspace, through the descriptor that was checked; an absent one says
/// nothing. It is read once, before the machine starts.
///
/// # Errors
/// [`ConfigError`], also for a symbolic link, a pipe, or too many bytes.
pub fn read(workspace: &Share) -> Result<Project, ConfigError> {
    let path = workspace.host.join(NAME);
    let failed = |e: io::Error| ConfigError::Read(path.clone(), e);
    let Some(file) = sys::open_project_file(&workspace.dir, NAME).map_err(failed)? else {
        return Ok(Project::default());
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).map_or(true, |n| n > LARGEST) {
        return Err(ConfigError::TooLarge(path));
    }
    let text = String::from_utf8(bytes)
        .map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidData, e.utf8_error())))?;
    parse(&text, &path)
}

/// Parses it, and says of a key that would widen that it would.
fn parse(text: &str, path: &Path) -> Result<Project, ConfigError> {
    let project: Project = config::parse(text, path).map_err(|error| match error {
        ConfigError::Content { file, line, message } => {
            let key = WIDENING.iter().find(|key| message.contains(&format!("unknown field `{key}`")));
            let message = key.map_or(message, |key| {
                format!("a project file can only tighten, and `{key}` could widen; put it in your own configuration or on the command line")
            });
            ConfigError::Content { file, line, message }
        }
        other => other,
    })?;
    if project.read_only_workspace == Some(false) {
        let line = text
            .lines()
            .position(|l| l.trim_start().starts_with("read_only_workspace"))
            .map_or(1, |at| at + 1);
        let message = "a project file can only tighten, and `read_only_workspace = false` would widen; remove the line".into();
        return Err(ConfigError::Content { file: path.into(), line, message });
    }
    Ok(project)
}

/// Drives the parser from raw bytes.
#[cfg(test)]
fn fuzz_project(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = parse(&text, Path::new(NAME)) {
        assert!(!error.to_string().is_empty());
    }
}

#[cfg(test)]
#[path = "project_test.rs"]
mod tests;
