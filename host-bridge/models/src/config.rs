//! The user's file, `~/.config/qvm/models.toml`: which models there are and how they are served.
//!
//! ```toml
//! default = "qwen"
//!
//! [models.qwen]
//! model = "org/repo:file.gguf"
//! context = "32k"
//! ```
//!
//! The content is in [`crate::profile`]; reading and checking it is here.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::profile::{Id, Profile, ProfileText};
use crate::units;

/// Largest file, in bytes.
pub const LARGEST: u64 = 256 << 10;

/// Most models.
pub const MOST_MODELS: usize = 256;

/// Why the file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// Over [`LARGEST`].
    #[error("{} is over {} KiB; that is no list of models", .0.display(), LARGEST >> 10)]
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

/// Which GPU the model server is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gpu {
    /// Every one that is there and that the server has a back end for.
    #[default]
    Auto,
    /// None: the CPU computes.
    None,
    /// NVIDIA's only (on WSL: the one of Windows).
    Nvidia,
    /// AMD's only.
    Amd,
}

impl std::str::FromStr for Gpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use serde::de::{IntoDeserializer, value::Error};
        Self::deserialize(text.into_deserializer()).map_err(|error: Error| error.to_string())
    }
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Models {
    /// Id of the model that is meant when nothing is said; one of `profiles`.
    pub default: Option<Id>,
    /// The server program. May begin with `~/`.
    pub server: Option<PathBuf>,
    /// How long a server that nobody uses is kept; zero: it ends at once.
    pub idle: Option<Duration>,
    /// Which GPU it gets.
    pub gpu: Gpu,
    /// The models, in the order of the file.
    pub profiles: Vec<Profile>,
}

impl Models {
    /// The model of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id.as_str() == id)
    }

    /// The model that is meant when nothing is said: the default, or the only one.
    #[must_use]
    pub fn default_profile(&self) -> Option<&Profile> {
        match (&self.default, self.profiles.as_slice()) {
            (Some(id), _) => self.get(id.as_str()),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Those that a list shows.
    pub fn shown(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter().filter(|profile| !profile.hidden)
    }
}

/// Reads the file; one that is absent says nothing.
///
/// # Errors
/// [`ConfigError`].
pub fn read(path: &Path) -> Result<Models, ConfigError> {
    match text(path)? {
        Some(text) => parse(&text, path),
        None => Ok(Models::default()),
    }
}

/// The file's text; `None` where it is absent.
///
/// # Errors
/// [`ConfigError::Read`], [`ConfigError::TooLarge`].
pub fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    let failed = |e| ConfigError::Read(path.into(), e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    match text.len() as u64 > LARGEST {
        true => Err(ConfigError::TooLarge(path.into())),
        false => Ok(Some(text)),
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Written {
    default: Option<toml::Spanned<Id>>,
    server: Option<PathBuf>,
    #[serde(deserialize_with = "idle")]
    idle: Option<Duration>,
    gpu: Gpu,
    models: std::collections::BTreeMap<Id, toml::Spanned<ProfileText>>,
}

/// Parses the file. `file` is for messages.
///
/// # Errors
/// [`ConfigError::Content`].
pub fn parse(text: &str, file: &Path) -> Result<Models, ConfigError> {
    let content = |start: usize, message: String| {
        let before = text.get(..start).unwrap_or(text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        ConfigError::Content { file: file.into(), line, message }
    };
    let written: Written = toml::from_str(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        content(error.span().map_or(0, |span| span.start), message)
    })?;
    if written.models.len() > MOST_MODELS {
        return Err(content(0, format!("more than {MOST_MODELS} models")));
    }
    let mut order: Vec<_> = written.models.into_iter().collect();
    order.sort_by_key(|(_, profile)| profile.span().start);
    let mut profiles = Vec::with_capacity(order.len());
    for (id, profile) in order {
        let start = profile.span().start;
        let profile = profile.into_inner().check(id).map_err(|message| content(start, message))?;
        profiles.push(profile);
    }
    if let Some(default) = &written.default {
        if !profiles.iter().any(|profile| profile.id == *default.get_ref()) {
            let message = format!("default: there is no [models.{}]", default.get_ref());
            return Err(content(default.span().start, message));
        }
    }
    Ok(Models {
        default: written.default.map(toml::Spanned::into_inner),
        server: written.server,
        idle: written.idle,
        gpu: written.gpu,
        profiles,
    })
}

/// A value that may be written as a number or as text with a unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Number(u64),
    Text(String),
}

/// Reads an amount with one of the parsers of [`units`].
pub(crate) fn amount<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Result<T, units::UnitError>,
) -> Result<Option<T>, D::Error> {
    let text = match Amount::deserialize(from) {
        Ok(Amount::Number(number)) => number.to_string(),
        Ok(Amount::Text(text)) => text,
        Err(_) => return Err(D::Error::custom("a number or a text such as \"32k\" belongs here")),
    };
    parse(&text).map(Some).map_err(D::Error::custom)
}

/// `idle = "5m"`.
fn idle<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    amount(from, units::duration)
}

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
