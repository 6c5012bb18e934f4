//! The user's file, `~/.config/qvm/config.toml`: defaults for options of the command line.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use guest_image::nix::Flake;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{agents, env, flake, units};
use crate::accel::Choice;

/// Why a configuration file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// Over the limit of [`super::project::LARGEST`].
    #[error("{} is over {} KiB; that is no configuration", .0.display(), super::project::LARGEST >> 10)]
    TooLarge(PathBuf),
    /// No TOML, an unknown key, or a value out of range.
    #[error("{}:{line}: {message}", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, naming the key.
        message: String,
    },
}

/// What the user's file says. Absent keys are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Guest memory in bytes, written as for `-m`.
    #[serde(deserialize_with = "memory")]
    pub memory: Option<u64>,
    /// Virtual CPUs.
    #[serde(deserialize_with = "cpus")]
    pub cpus: Option<u8>,
    /// What runs them.
    pub accel: Option<Choice>,
    /// Image name or digest.
    #[serde(deserialize_with = "flake::image_from_file")]
    pub image: Option<String>,
    /// Flake of the image `nixos`; absolute, or a URL.
    #[serde(deserialize_with = "flake::from_file")]
    pub nixos_flake: Option<Flake>,
    /// Development shell, as for `--flake`; absolute, or a URL.
    #[serde(deserialize_with = "flake::from_file")]
    pub flake: Option<Flake>,
    /// Kernel, as for `--kernel`.
    pub kernel: Option<String>,
    /// Agents, as for `--with`; a list.
    #[serde(deserialize_with = "agents::from_file")]
    pub with: Option<agents::Agents>,
    /// Time limit, written as for `--timeout`.
    #[serde(deserialize_with = "duration")]
    pub timeout: Option<Duration>,
    /// Share the workspace read-only.
    pub read_only_workspace: Option<bool>,
    /// Variables as for `-e`, before those of the command line. A bare name that the host does
    /// not have is left out.
    pub env: Vec<String>,
}

impl Config {
    /// Its variables as arguments, without bare names that `host` lacks.
    ///
    /// # Errors
    /// When one has no name.
    pub fn env_args(
        &self,
        host: &[(OsString, OsString)],
    ) -> Result<Vec<env::EnvArg>, env::EnvError> {
        let parsed: Result<Vec<_>, _> =
            self.env.iter().map(|text| env::variable(text.as_ref())).collect();
        let there = |arg: &env::EnvArg| {
            arg.value.is_some() || host.iter().any(|(name, _)| *name == arg.name)
        };
        Ok(parsed?.into_iter().filter(there).collect())
    }
}

/// Reads the user's file; one that is absent says nothing.
///
/// # Errors
/// [`ConfigError`].
pub fn read(path: &Path) -> Result<Config, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(e) => Err(ConfigError::Read(path.into(), e)),
    }
}

/// Parses any of the files into its type.
///
/// # Errors
/// [`ConfigError::Content`].
pub fn parse<T: for<'de> Deserialize<'de>>(text: &str, file: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        ConfigError::Content { file: file.into(), line, message }
    })
}

/// A value that may be written as a number or as text with a unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

/// Reads a value that a parser of the command line understands.
fn written<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Result<T, units::UnitError>,
) -> Result<Option<T>, D::Error> {
    let text = match Written::deserialize(from) {
        Ok(Written::Number(number)) => number.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => {
            return Err(D::Error::custom("a number or a text such as \"4g\" belongs here"));
        }
    };
    parse(&text).map(Some).map_err(D::Error::custom)
}

/// `memory = "4g"`.
pub fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    written(from, units::memory)
}

/// `cpus = 2`.
pub fn cpus<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    written(from, units::cpus)
}

/// `timeout = "10m"`.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    written(from, units::duration)
}

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
