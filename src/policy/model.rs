//! Which model a run gets: what was asked for, else the default of `models.toml`, else none.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use models::{Id, Models, Source, units};

use super::host::Host;
use crate::{
    serve::{Choice, Upstream},
    spec::{LocalModel, Model},
};

/// How long a server that nobody uses is kept, in words of the command line: long enough for a
/// look at the result, short enough to give the memory back.
const IDLE: &str = "5m";

/// What the command line says of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFlags {
    /// `--model`.
    pub model: Option<String>,
    /// `--no-model`.
    pub none: bool,
    /// `--upstream`.
    pub upstream: Option<Upstream>,
    /// `--server-bin`.
    pub server_bin: Option<PathBuf>,
    /// `--log-requests`.
    pub log_requests: Option<PathBuf>,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is wrong.
    #[error(transparent)]
    Config(#[from] models::ConfigError),
    /// Neither an id nor a source.
    #[error("`{asked}` names no model: {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// A log of nothing.
    #[error("--log-requests needs a model; give one with --model")]
    NothingToLog,
}

/// Decides. `shared` are the folders that the guest sees: no program in them is run. `serves` tells
/// whether somebody started a server by hand, which is then what is meant.
///
/// # Errors
/// [`ModelError`].
pub fn decide(
    flags: &ModelFlags,
    models: &Models,
    host: &Host,
    shared: &[PathBuf],
    serves: impl FnOnce() -> bool,
) -> Result<Option<Model>, ModelError> {
    let model = if flags.none {
        None
    } else if let Some(upstream) = &flags.upstream {
        Some(Model::Upstream(upstream.clone()))
    } else if let Some(asked) = &flags.model {
        let (id, choice) = choose(asked, models, host)?;
        Some(local(id, choice, flags, models, host, shared))
    } else if serves() {
        Some(Model::Running)
    } else if let Some(profile) = models.default_profile() {
        let choice = Choice::Id(profile.id.to_string());
        Some(local(profile.id.clone(), choice, flags, models, host, shared))
    } else {
        None
    };
    if model.is_none() && flags.log_requests.is_some() {
        return Err(ModelError::NothingToLog);
    }
    Ok(model)
}

/// What somebody means by a word: an id of the file, else where weights are.
///
/// # Errors
/// [`ModelError::Unknown`].
pub fn choose(asked: &str, models: &Models, host: &Host) -> Result<(Id, Choice), ModelError> {
    if let Some(profile) = models.get(asked) {
        return Ok((profile.id.clone(), Choice::Id(profile.id.to_string())));
    }
    match asked.parse::<Source>() {
        Ok(source) => {
            // The server works in another folder.
            let source = source.absolute(&host.dirs.home, &host.cwd);
            Ok((source.id(), Choice::Source(source.to_string())))
        }
        Err(error) => {
            let ids: Vec<_> = models.profiles.iter().map(|profile| profile.id.as_str()).collect();
            let known = match ids.is_empty() {
                true => format!("none is configured, and it is no source either: {error}"),
                false => {
                    format!("there are {}, and it is no source either: {error}", ids.join(", "))
                }
            };
            Err(ModelError::Unknown { asked: asked.into(), known })
        }
    }
}

fn local(
    id: Id,
    choice: Choice,
    flags: &ModelFlags,
    models: &Models,
    host: &Host,
    shared: &[PathBuf],
) -> Model {
    let idle = match models.idle {
        Some(Duration::ZERO) => "0".to_owned(),
        Some(idle) => format!("{}ms", idle.as_millis()),
        None => IDLE.to_owned(),
    };
    let source = match &choice {
        Choice::Id(id) => models.get(id).map(|profile| profile.model.to_string()),
        Choice::Source(source) => Some(source.clone()),
    };
    let mut serve: Vec<OsString> =
        ["serve", "--on-demand", "--idle", &idle].map(OsString::from).into();
    if let Some(program) = &flags.server_bin {
        serve.extend(["--server-bin".into(), host.cwd.join(program).into()]);
    }
    for folder in shared {
        serve.extend(["--not-in".into(), folder.clone().into()]);
    }
    serve.push(match &choice {
        Choice::Id(id) => id.into(),
        Choice::Source(source) => source.into(),
    });
    let source = source.unwrap_or_default();
    Model::Local(LocalModel { id: id.to_string(), choice, source, serve })
}

/// Reads a time as the command line has it; 0 is at once.
///
/// # Errors
/// One line.
pub fn idle(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    super::units::duration(text).map_err(|error| error.to_string())
}

/// Reads a number of tokens: 8192, 32k.
///
/// # Errors
/// One line.
pub fn tokens(text: &str) -> Result<u32, String> {
    units::tokens(text).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "model_test.rs"]
mod tests;
