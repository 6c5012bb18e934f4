//! The last of what a program says, for the line that tells of its failure.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::command::ends::start;
use crate::command::events::wait;

/// Bytes that are kept.
const KEPT: usize = 2048;

/// Lines that are shown.
const LINES: usize = 3;

/// How long what is on its way may still take after its program has ended.
const BRIEFLY: Duration = Duration::from_millis(200);

/// Reads a program's output for as long as there is any, and keeps its end.
#[derive(Debug)]
pub struct Tail(Arc<Shared>);

/// What the reader and those who ask have in common.
#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Said>,
    changed: Condvar,
}

/// What was read.
#[derive(Debug, Default)]
struct Said {
    bytes: VecDeque<u8>,
    /// Nothing will follow.
    over: bool,
}

impl Tail {
    /// Reads `from`, a pipe or the controlling side of a terminal, on a thread of its own.
    ///
    /// # Errors
    /// `EAGAIN` when there can be no more threads.
    pub fn follow(from: OwnedFd) -> io::Result<Self> {
        let shared: Arc<Shared> = Arc::default();
        let ours = Arc::clone(&shared);
        start("tail", move || {
            read(&from, &shared);
            shared.lock().over = true;
            shared.changed.notify_all();
        })?;
        Ok(Self(ours))
    }

    /// The last lines, on one; waits a moment for those of a program that has just ended.
    pub fn last(&self) -> String {
        let (said, _) = self
            .0
            .changed
            .wait_timeout_while(self.0.lock(), BRIEFLY, |said| !said.over)
            .unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = said.bytes.iter().copied().collect();
        let text = one_line(&String::from_utf8_lossy(&bytes));
        if text.is_empty() { "nothing was said".into() } else { format!("the last said: {text}") }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads to the end.
fn read(from: &OwnedFd, shared: &Shared) {
    let mut buffer = [0u8; 1024];
    loop {
        if wait([(from.as_fd(), PollFlags::IN)], None).is_err() {
            return;
        }
        match rustix::io::read(from, &mut buffer) {
            Ok(count @ 1..) => {
                let kept = &mut shared.lock().bytes;
                kept.extend(buffer.get(..count).unwrap_or_default());
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// The last lines that say something, without colours, joined by slashes.
fn one_line(text: &str) -> String {
    let plain = without_escapes(text);
    let lines: Vec<&str> =
        plain.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    lines.get(from..).unwrap_or_default().join(" / ")
}

/// `text` without escape sequences (`ESC [ … letter`, and `ESC` with one more character) and
/// without control characters but the ends of lines.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next() == Some('[') {
                    let _ = characters.find(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
            }
            '\n' | '\r' => plain.push(character),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
#[path = "tail_test.rs"]
mod tests;
