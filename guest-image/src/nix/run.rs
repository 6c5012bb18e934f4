//! Runs Nix: no shell, no standard input, bounded output, and a log of what it says.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Nix, NixError};

/// Most bytes of what it says that the log keeps.
const MAX_LOG: u64 = 16 << 20;

/// Longest line of its that is looked at, in bytes.
const MAX_LINE: u64 = 16 << 10;

/// Longest line that an error repeats, in characters.
const SHOWN: usize = 300;

/// What holds for all: features that are still called experimental, and nothing of the flake's
/// own settings, which could name programs to run.
const ALWAYS: [&str; 5] = [
    "--extra-experimental-features",
    "nix-command flakes",
    "--option",
    "accept-flake-config",
    "false",
];

/// What is to be done, and within which bounds.
pub struct Task<'a> {
    /// For people.
    pub doing: &'static str,
    /// Bytes of standard output that are taken.
    pub limit: usize,
    /// How long it may take; `None`: as long as it does, as a build may.
    pub patience: Option<Duration>,
    /// Where what it says is kept if it fails.
    pub log: Option<&'a Path>,
}

/// What is remembered of its standard error.
#[derive(Debug, Default)]
struct Heard {
    error: Option<String>,
    last: Option<String>,
    full: bool,
}

impl Nix {
    /// Runs a sub-command and gives its standard output.
    ///
    /// # Errors
    /// See [`NixError`].
    pub(super) fn run(&self, words: &[&OsStr], task: &Task<'_>) -> Result<Vec<u8>, NixError> {
        let always: Vec<&OsStr> = ALWAYS.iter().map(OsStr::new).collect();
        self.run_plain(&[&always, words].concat(), task)
    }

    /// As [`Nix::run`], without any words of our own.
    pub(super) fn run_plain(&self, words: &[&OsStr], task: &Task<'_>) -> Result<Vec<u8>, NixError> {
        let start = |source| NixError::Start { program: self.program.clone(), source };
        let mut command = Command::new(&self.program);
        command.args(words).env("NO_COLOR", "1").env("TERM", "dumb");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Ended(command.spawn().map_err(start)?);
        let (stdout, stderr) = (child.0.stdout.take(), child.0.stderr.take());
        let log = task.log.and_then(|path| File::create(path).ok());
        let limit = task.limit;

        // Two readers, so that neither pipe fills up; what they found comes over a channel each,
        // as a reader may be kept waiting by a process that Nix left behind.
        let (to_said, said) = mpsc::channel();
        let (to_heard, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(stdout) = stdout {
                let _ = stdout.take(limit as u64 + 1).read_to_end(&mut bytes);
            }
            let _ = to_said.send(bytes);
        });
        thread::spawn(move || {
            let _ = to_heard.send(stderr.map(|s| listen(s, log)).unwrap_or_default());
        });

        let deadline = task.patience.map(|patience| Instant::now() + patience);
        let slow = || NixError::Slow {
            doing: task.doing,
            seconds: task.patience.map_or(0, |patience| patience.as_secs()),
        };
        let bytes = wait(&said, deadline).ok_or_else(slow)?;
        if bytes.len() > limit {
            return Err(NixError::TooMuch { doing: task.doing, limit });
        }
        let heard = wait(&heard, deadline).ok_or_else(slow)?;
        let status = loop {
            match (child.0.try_wait().map_err(start)?, deadline) {
                (Some(status), _) => break status,
                (None, Some(deadline)) if Instant::now() > deadline => return Err(slow()),
                // It has closed both pipes and is about to end.
                (None, _) => thread::sleep(Duration::from_millis(2)),
            }
        };
        if status.success() {
            return Ok(bytes);
        }
        Err(NixError::Failed {
            doing: task.doing,
            said: heard
                .error
                .or(heard.last)
                .unwrap_or_else(|| format!("nix said nothing ({status})")),
            log: task.log.and_then(keep),
            source: heard.full.then(|| io::ErrorKind::StorageFull.into()),
        })
    }
}

/// A child that does not outlive us by an error.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended already cannot be ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What comes over the channel before the deadline; a reader that is gone has nothing to say.
fn wait<T: Default>(from: &mpsc::Receiver<T>, deadline: Option<Instant>) -> Option<T> {
    let Some(deadline) = deadline else { return Some(from.recv().unwrap_or_default()) };
    match from.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(value) => Some(value),
        Err(mpsc::RecvTimeoutError::Disconnected) => Some(T::default()),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
    }
}

/// Reads all that it says and keeps the telling lines.
fn listen(from: impl Read, mut log: Option<File>) -> Heard {
    let (mut heard, mut from, mut kept) = (Heard::default(), BufReader::new(from), 0);
    let mut line = Vec::new();
    while from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        kept += line.len() as u64;
        if let Some(file) = log.as_mut().filter(|_| kept <= MAX_LOG) {
            // Only for people, and a full disk must not stop the reading.
            let _ = file.write_all(&line);
        }
        let text = plain(&String::from_utf8_lossy(&line));
        heard.full |= text.contains("No space left on device");
        // A trace has an empty one first. The first that says something is the cause, later ones
        // are what follows from it.
        let said = text.strip_prefix("error:").map(str::trim).filter(|said| !said.is_empty());
        if let (Some(said), None) = (said, &heard.error) {
            heard.error = Some(said.to_owned());
        }
        if !text.is_empty() {
            heard.last = Some(text);
        }
        line.clear();
    }
    heard
}

/// A line without colours and control characters.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // Up to the letter that ends it.
            let _ = chars.by_ref().find(char::is_ascii_alphabetic);
        } else if !c.is_control() {
            text.push(c);
        }
    }
    text.trim().chars().take(SHOWN).collect()
}

/// Moves the log to where it stays.
fn keep(log: &Path) -> Option<PathBuf> {
    let kept = log.parent()?.parent()?.join("nix.log");
    fs::rename(log, &kept).ok().map(|()| kept)
}

#[cfg(test)]
#[path = "run_test.rs"]
mod tests;
