//! Runs the programs of a build: what they say goes to the log, and is followed line by line.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sys;

/// Variables that programs get from ours; all else could make something else.
pub const VARIABLES: [&str; 12] = [
    "PATH",
    "HOME",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// A program did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
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
    #[error("{program} failed: {said}{}", if said.contains("Failed to fetch") { "; check the network, or set QVM_DEBIAN_MIRROR" } else { "" })]
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

/// A program with an environment that says little of this machine.
pub fn clean(name: &str) -> Command {
    let mut command = Command::new(name);
    clear(&mut command);
    command.env("LC_ALL", "C");
    command
}

/// Leaves a program what it needs to be found and to reach the network.
pub fn clear(command: &mut Command) {
    command.env_clear();
    command.envs(VARIABLES.iter().filter_map(|name| Some((name, env::var_os(name)?))));
}

/// The log of a build.
pub fn log(work: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(work.join("log"))
}

/// Runs a program to its end.
pub fn run(program: &'static str, command: &mut Command, work: &Path) -> Result<(), ProgramError> {
    follow(program, command, work, &mut |_| {})
}

/// Runs a program to its end; answers with what it said.
pub fn output(
    program: &'static str,
    command: &mut Command,
    work: &Path,
) -> Result<String, ProgramError> {
    let mut said = String::new();
    follow(program, command, work, &mut |line| {
        said.push_str(line);
        said.push('\n');
    })?;
    Ok(said)
}

/// Runs a program to its end. `seen` gets each line of both its outputs.
pub fn follow(
    program: &'static str,
    command: &mut Command,
    work: &Path,
    seen: &mut dyn FnMut(&str),
) -> Result<(), ProgramError> {
    let start = |source| ProgramError::Start { program, source };
    let (output, input) = sys::pipe().map_err(start)?;
    let other = input.try_clone().map_err(start)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(input))
        .stderr(Stdio::from(other))
        .spawn()
        .map_err(start)?;
    // The command holds ends of the pipe, and it would never end while one is open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut log = log(work).map_err(start)?;
    let mut complaints = Complaints::default();
    let mut output = BufReader::new(File::from(output));
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        // A full disk must not stop the reading: the program would wait for us for ever.
        let _ = log.write_all(&line);
        let text = String::from_utf8_lossy(&line);
        complaints.line(text.trim_end());
        seen(text.trim_end());
        line.clear();
    }
    let status = child.wait().map_err(start)?;
    if status.success() {
        return Ok(());
    }
    Err(complaints.into_error(program))
}

/// What was wrong, from what a program says.
#[derive(Debug, Default)]
pub struct Complaints {
    error: Option<String>,
    give_up: Option<String>,
    last: Option<String>,
    full: bool,
}

impl Complaints {
    /// Takes a line.
    pub fn line(&mut self, line: &str) {
        self.full |=
            line.contains("No space left on device") || line.contains("Disk quota exceeded");
        let line: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
        if line.trim().is_empty() {
            return;
        }
        let error = ["error:", "Error:", "E: ", "tar: ", "dpkg-deb: "];
        if self.error.is_none() && error.iter().any(|word| line.contains(word)) {
            self.error = Some(line.clone());
        }
        if self.give_up.is_none() && line.contains("*** ") {
            self.give_up = Some(line.clone());
        }
        self.last = Some(line);
    }

    /// The failure of this program.
    pub fn into_error(self, program: &'static str) -> ProgramError {
        let said = self.error.or(self.give_up).or(self.last);
        ProgramError::Failed {
            program,
            said: said.unwrap_or_else(|| "it said nothing".to_owned()),
            source: self.full.then(|| io::Error::from(io::ErrorKind::StorageFull)),
        }
    }
}

#[cfg(test)]
#[path = "program_test.rs"]
mod tests;
