//! `/etc/qvm/guest.json`: what an image tells the agent about itself.
//!
//! An image without the file is like Debian: [`ImageConfig::default`] says nothing, and the agent
//! keeps to the usual paths. The file is as much to be trusted as the agent, both being chosen by
//! the caller, but it is read by PID 1: whatever is in it, reading ends soon and never panics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where an image has it.
pub const IMAGE_CONFIG: &str = "/etc/qvm/guest.json";

/// Longest file that is read, in bytes.
pub const MAX_IMAGE_CONFIG: usize = 64 << 10;

/// Most characters of the file that an error repeats.
const SHOWN: usize = 120;

/// The folder that is new at each start, in which links can be wanted.
const RUN: &str = "/run/";

/// What the image says. Every field may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageConfig {
    /// `PATH` of commands; `None`: Debian's.
    pub path: Option<String>,
    /// Absolute path of the login shell; `None`: `/bin/bash`, else `/bin/sh`.
    pub shell: Option<String>,
    /// Variables of commands. What the host sends is stronger.
    pub env: BTreeMap<String, String>,
    /// Symbolic links that are made at each start, by path: below `/run`, which begins empty.
    pub links: BTreeMap<String, String>,
    /// A program by its absolute path, and its arguments: run as root before all commands.
    pub activate: Vec<String>,
    /// Absolute path of systemd, under which commands are then run.
    pub systemd: Option<String>,
}

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ImageConfigError {
    /// More than [`MAX_IMAGE_CONFIG`].
    #[error("it has more than {MAX_IMAGE_CONFIG} bytes")]
    TooLong,
    /// Not the JSON it should be.
    #[error("{0}")]
    Json(String),
    /// A program is not named by its whole path.
    #[error("{field} has {value:?}, which is no absolute path")]
    NotAbsolute {
        /// The field.
        field: &'static str,
        /// What it has.
        value: String,
    },
    /// No system call takes this text.
    #[error("{0} has an empty text, or one with a zero byte")]
    Text(&'static str),
    /// No variable has such a name.
    #[error("env has {0:?}, which is no name of a variable")]
    Variable(String),
    /// Elsewhere the image can have the link itself.
    #[error("links has {0:?}, which is no path below /run")]
    Link(String),
}

impl ImageConfig {
    /// Reads the file's bytes.
    ///
    /// # Errors
    /// See [`ImageConfigError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageConfigError> {
        if bytes.len() > MAX_IMAGE_CONFIG {
            return Err(ImageConfigError::TooLong);
        }
        // serde would take an array too, by the order of the fields.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(ImageConfigError::Json("it is no JSON object".into()));
        }
        let config: Self = serde_json::from_slice(bytes)
            .map_err(|error| ImageConfigError::Json(shown(&error.to_string())))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ImageConfigError> {
        if let Some(path) = &self.path {
            check_text("path", path)?;
        }
        let programs = [
            ("shell", self.shell.as_ref()),
            ("activate", self.activate.first()),
            ("systemd", self.systemd.as_ref()),
        ];
        for (field, program) in programs {
            let Some(value) = program else { continue };
            check_text(field, value)?;
            if !value.starts_with('/') {
                return Err(ImageConfigError::NotAbsolute { field, value: shown(value) });
            }
        }
        if self.activate.iter().any(|argument| argument.contains('\0')) {
            return Err(ImageConfigError::Text("activate"));
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(ImageConfigError::Variable(shown(name)));
            }
            if value.contains('\0') {
                return Err(ImageConfigError::Text("env"));
            }
        }
        for (link, target) in &self.links {
            let plain = |name: &str| !matches!(name, "" | "." | "..");
            let below = link.strip_prefix(RUN).is_some_and(|rest| rest.split('/').all(plain));
            if !below || link.contains('\0') {
                return Err(ImageConfigError::Link(shown(link)));
            }
            check_text("links", target)?;
        }
        Ok(())
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), ImageConfigError> {
    if text.is_empty() || text.contains('\0') { Err(ImageConfigError::Text(field)) } else { Ok(()) }
}

/// The beginning of a text, for an error of one line.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
