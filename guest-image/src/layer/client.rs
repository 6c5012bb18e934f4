//! Runs the registries' own clients, as the user has set them up.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::agents::{Agent, Source};
use crate::debian::on_path;
use crate::sys;

/// A program is missing or failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Packages are to be installed.
    #[error(
        "making a layer of agents needs {packages}: install {packages}, for example with `{install} {packages}`"
    )]
    Missing {
        /// Names of Debian's packages, parted by spaces.
        packages: String,
        /// What installs packages here.
        install: &'static str,
    },
    /// It cannot be started.
    #[error("cannot run {program}")]
    Start {
        /// Its name.
        program: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("{program} failed: {said}")]
    Failed {
        /// Its name.
        program: &'static str,
        /// The most telling line of its output.
        said: String,
        /// [`io::ErrorKind::StorageFull`] where it met a full disk.
        #[source]
        source: Option<io::Error>,
    },
}

/// Makes sure that all programs are there that these agents need.
pub fn check<'a>(agents: impl Iterator<Item = &'a Agent>) -> Result<(), ClientError> {
    let path = env::var("PATH").unwrap_or_default();
    let missing = missing(agents, |program| on_path(program, &path), has_pip);
    if missing.is_empty() {
        return Ok(());
    }
    Err(ClientError::Missing { packages: missing.join(" "), install: sys::install() })
}

/// Debian's packages with the programs that are missing.
fn missing<'a>(
    agents: impl Iterator<Item = &'a Agent>,
    has: impl Fn(&str) -> bool,
    has_pip: impl Fn() -> bool,
) -> Vec<&'static str> {
    let (mut npm, mut pip) = (false, false);
    for agent in agents {
        match agent.source {
            Source::Npm(_) => npm = true,
            Source::PyPI { .. } => pip = true,
            Source::Absent(_) => {}
        }
    }
    let mut missing = Vec::new();
    if npm && !has("npm") {
        missing.push("npm");
    }
    if pip && !(has("python3") && has_pip()) {
        missing.push("python3-pip");
    }
    if !has("mkfs.erofs") {
        missing.push("erofs-utils");
    }
    missing
}

fn has_pip() -> bool {
    Command::new("python3")
        .args(["-m", "pip", "--version"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a program to its end and adds what it says to the log of `work`.
pub fn run(program: &'static str, command: &mut Command, work: &Path) -> Result<(), ClientError> {
    let output = command
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ClientError::Start { program, source })?;
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    // Only for people who look for the cause of a failure.
    let log = OpenOptions::new().create(true).append(true).open(work.join("log"));
    let _ = log.and_then(|mut log| log.write_all(&said));
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&said);
    let full = text.contains("No space left on device") || text.contains("ENOSPC");
    let source = full.then(|| io::Error::from(io::ErrorKind::StorageFull));
    Err(ClientError::Failed { program, said: telling(&text), source })
}

/// The first line that complains, else the last.
fn telling(text: &str) -> String {
    let plain = |line: &str| -> String {
        line.chars().filter(|c| !c.is_control()).take(300).collect::<String>().trim().to_owned()
    };
    let lines = || text.lines().map(plain).filter(|line| !line.is_empty());
    let complains = |line: &String| {
        let rest = line.strip_prefix("npm error ").or_else(|| line.strip_prefix("npm ERR! "));
        // npm begins with the code and an empty word for it; the next line is the sentence.
        rest.map_or(line.starts_with("ERROR: ") || line.starts_with("tar: "), |rest| {
            !rest.starts_with("code ")
                && !rest.starts_with("errno ")
                && !rest.starts_with("syscall ")
        })
    };
    lines()
        .find(complains)
        .or_else(|| lines().next_back())
        .unwrap_or_else(|| "it said nothing".to_owned())
}

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
