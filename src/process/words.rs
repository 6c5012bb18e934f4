//! What a process says: lines on a pipe, which is its standard error.
//!
//! A line that starts with [`READY`], [`FAILED`] or [`END`] is meant for the session; anything else is
//! a complaint of a library, a panic message, QEMU. The process may have been taken over by
//! its guest: what it says is bounded, and shown with control characters written out.
//! Its end of the pipe does not block, so that it cannot be held up by a session that does not listen.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::io::Errno;

use crate::{error::plain, sys::pipe_nonblocking};

/// Starts the line that says the process is ready; the report of its confinement follows.
const READY: &str = "@ready ";
/// Starts the line that says why the process ends.
const FAILED: &str = "@failed ";
/// Starts the line that says how the machine ended.
const END: &str = "@end ";
/// Longest line, in bytes. The rest of a longer one is left out.
const LINE: usize = 4096;
/// Lines that are kept.
const LINES: usize = 8;
/// Reads at one go, so that a process that floods its pipe cannot hold the session up.
const READS: usize = 32;

/// The session's end.
#[derive(Debug)]
pub(super) struct Words {
    pipe: OwnedFd,
    partial: Vec<u8>,
    kept: VecDeque<String>,
    /// The text after [`READY`].
    pub(super) ready: Option<String>,
    /// The text after [`FAILED`].
    pub(super) failed: Option<String>,
    /// The text after [`END`].
    pub(super) end: Option<String>,
    /// Nobody can say anything any more.
    pub(super) over: bool,
}

impl Words {
    /// Makes a pipe: the session's end, and the other one.
    pub(super) fn pipe() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pipe_nonblocking()?;
        let words = Self {
            pipe: ours,
            partial: Vec::new(),
            kept: VecDeque::new(),
            ready: None,
            failed: None,
            end: None,
            over: false,
        };
        Ok((words, theirs))
    }

    /// Takes in what was said so far.
    pub(super) fn listen(&mut self) {
        let mut buffer = [0; LINE];
        for _ in 0..READS {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) => self.over = true,
                Ok(count) => {
                    self.take(buffer.get(..count).unwrap_or_default());
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(_) => self.over = true,
            }
            return;
        }
    }

    /// The last thing said that tells why the process ended.
    pub(super) fn last(&mut self) -> Option<String> {
        self.listen();
        if self.failed.is_some() {
            return self.failed.clone();
        }
        let rest = String::from_utf8_lossy(&self.partial).trim().to_owned();
        if !rest.is_empty() {
            return Some(plain(&rest));
        }
        // A panic is told in two lines, of which the first has the place and the second the text.
        let said: Vec<_> =
            self.kept.iter().filter(|line| !line.starts_with("note: ")).cloned().collect();
        match said.as_slice() {
            [] => None,
            [.., place, text] if place.contains(" panicked at ") => Some(format!("{place} {text}")),
            [.., last] => Some(last.clone()),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.partial);
                self.line(&String::from_utf8_lossy(&line));
            } else if self.partial.len() < LINE {
                self.partial.push(*byte);
            }
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(report) = line.strip_prefix(READY) {
            self.ready.get_or_insert_with(|| report.to_owned());
        } else if let Some(why) = line.strip_prefix(FAILED) {
            self.failed.get_or_insert_with(|| plain(why));
        } else if let Some(end) = line.strip_prefix(END) {
            self.end.get_or_insert_with(|| end.to_owned());
        } else if !line.trim().is_empty() {
            if self.kept.len() == LINES {
                self.kept.pop_front();
            }
            self.kept.push_back(plain(line));
        }
    }
}

impl AsFd for Words {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Says in a process that it is ready, and how it is confined.
pub(super) fn say_ready(report: &confine::Report) {
    // A report has a JSON form: names and sentences.
    say(READY, &serde_json::to_string(report).unwrap_or_default());
}

/// Says in a process how its machine ended.
pub(super) fn say_end(end: &super::MachineEnd) {
    say(END, &serde_json::to_string(end).unwrap_or_default());
}

/// Says in a process why it ends.
pub(super) fn say_failed(why: &dyn std::error::Error) {
    say(FAILED, &crate::error::line(why));
}

fn say(what: &str, text: &str) {
    let mut line = format!("{what}{text}").into_bytes();
    // One write of no more than this arrives whole.
    line.truncate(LINE - 1);
    line.push(b'\n');
    // Nobody can be told if that fails.
    let _ = rustix::io::write(rustix::stdio::stderr(), &line);
}

#[cfg(test)]
#[path = "words_test.rs"]
mod tests;
