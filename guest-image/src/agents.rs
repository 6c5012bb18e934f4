//! Coding agents: where their programs come from, and what they are told in a guest with a model.
//!
//! One table, [`ALL`]; a file for each agent. It says which packages of a registry carry the
//! agent, in which version and with which digest (what layers are built from), and
//! what makes it talk to the guest's own model and to nobody else: variables and files without
//! which it would ask for an account, show a wizard, or look for updates.
//!
//! A machine that has a model is given the variables and files of *all* agents, whichever its
//! image has; a machine without a model is given none.

mod aider;
mod claude;
mod codex;
mod goose;
mod home;
mod llm;
mod opencode;
mod pi;
mod source;
mod text;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use home::{HomeError, MAX_HOME_BYTES, MAX_HOME_FILES, personal};
pub use source::{Npm, Source};

/// Agents of the default layer.
pub const DEFAULT: [&str; 1] = ["claude"];

/// All agents, in the order they are listed.
pub const ALL: [Agent; 7] = [
    claude::AGENT,
    opencode::AGENT,
    codex::AGENT,
    llm::AGENT,
    aider::AGENT,
    goose::AGENT,
    pi::AGENT,
];

/// Agents that cannot work with a local model: their program, and why.
pub const UNSUPPORTED: [(&str, &str); 1] =
    [("gemini", "gemini-cli speaks only the Gemini API, which llama-server does not serve")];

/// An agent.
#[derive(Debug, Clone, Copy)]
pub struct Agent {
    /// Its name, which is that of its program too.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Where its program comes from.
    pub source: Source,
    /// Its variables.
    environment: fn(&Local<'_>) -> Vec<Variable>,
    /// Its files.
    files: fn(&Local<'_>) -> Vec<GuestFile>,
}

/// A variable's name and value.
type Variable = (&'static str, OsString);

/// What there is to know of a guest with a model.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// The model's name on the wire: always `local`.
    pub model: &'a str,
    /// Tokens that the model can take in and give out together; `None` if not known.
    pub context: Option<u32>,
    /// The workspace, absolute.
    pub workspace: &'a Path,
    /// Home directory of whoever runs the command, absolute.
    pub home: &'a Path,
    /// Where the model answers, without a slash at the end: `http://127.0.0.1:8080`.
    pub url: &'a str,
    /// The command runs as root of the guest.
    pub root: bool,
}

/// A file to be written into the guest before the first command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFile {
    /// Absolute path.
    pub path: PathBuf,
    /// What is in it.
    pub contents: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

impl Agent {
    /// Its version for a machine, as `uname -m` names that; `None` where no image can have it.
    #[must_use]
    pub fn version(&self, arch: &str) -> Option<&'static str> {
        self.source.version(arch)
    }
}

/// The agent of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Agent> {
    static TABLE: [Agent; 7] = ALL;
    TABLE.iter().find(|agent| agent.name == name)
}

/// Variables of all agents, each once, by name.
#[must_use]
pub fn environment(local: &Local<'_>) -> Vec<(OsString, OsString)> {
    let all = ALL.iter().flat_map(|agent| (agent.environment)(local));
    let once: std::collections::BTreeMap<_, _> = all.collect();
    once.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Files of all agents; no path twice.
#[must_use]
pub fn files(local: &Local<'_>) -> Vec<GuestFile> {
    ALL.iter().flat_map(|agent| (agent.files)(local)).collect()
}

/// What to say when the guest has no program of this name, or path: nothing unless it is one of
/// the table.
#[must_use]
pub fn hint(program: &str) -> Option<String> {
    let name = program.rsplit('/').next().unwrap_or(program);
    if let Some((_, reason)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
        return Some(format!("{name} is not supported: {reason}"));
    }
    let agent = find(name)?;
    Some(match agent.source {
        Source::Absent(reason) => format!(
            "the image has no {name}: {reason}; it is configured for images that have it (--image)"
        ),
        Source::Npm(_) | Source::PyPI { .. } => {
            format!("the image has no {name}: run with --with {name}")
        }
    })
}

/// A file in somebody's home, which only its owner may read.
fn private(local: &Local<'_>, path: &str, contents: impl Into<Vec<u8>>) -> GuestFile {
    GuestFile { path: local.home.join(path), contents: contents.into(), mode: 0o600 }
}

/// How much of a context an agent may ask to be answered with, in tokens: a quarter, and no more
/// than most models can say in one go.
fn output(context: u32) -> u32 {
    (context / 4).clamp(512, 32_000)
}

#[cfg(test)]
#[path = "agents_test.rs"]
mod tests;
