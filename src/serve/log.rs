//! What a model server prints: kept for explaining its end, shown if asked for.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    os::fd::OwnedFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{error::plain, session::spawn_thread};

/// Lines that are kept.
const LINES: usize = 200;
/// Longest line that is kept, in bytes.
const LINE: u64 = 2000;

/// The end of what a server printed.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    said: Mutex<Said>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: VecDeque<String>,
    /// Nobody can say more.
    ended: bool,
}

impl Log {
    /// Follows a server's output to its end; prints each line too if `verbose`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn follow(&self, output: OwnedFd, verbose: bool) -> std::io::Result<()> {
        let log = self.clone();
        spawn_thread("log", move || {
            let mut reader = BufReader::new(std::fs::File::from(output));
            let mut bytes = Vec::new();
            loop {
                bytes.clear();
                match (&mut reader).take(LINE).read_until(b'\n', &mut bytes) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                let line = plain(String::from_utf8_lossy(&bytes).trim_end());
                if verbose {
                    eprintln!("{line}");
                }
                let mut said = log.said();
                if said.lines.len() == LINES {
                    said.lines.pop_front();
                }
                said.lines.push_back(line);
            }
            log.said().ended = true;
            log.0.ended.notify_all();
        })?;
        Ok(())
    }

    /// Waits until all is read of a server that has ended, but no longer than `within`.
    pub fn wait_for_end(&self, within: Duration) {
        // What came until then is kept.
        drop(self.0.ended.wait_timeout_while(self.said(), within, |said| !said.ended));
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines that are kept.
    pub fn lines(&self) -> Vec<String> {
        self.said().lines.iter().cloned().collect()
    }

    /// The line that tells best why the server ended: the first that speaks of an error, else the
    /// last.
    pub fn telling(&self) -> Option<String> {
        let lines = &self.said().lines;
        let tells = |line: &&String| {
            let line = line.to_ascii_lowercase();
            ["error", "failed", "invalid", "cannot", "unable"]
                .iter()
                .any(|word| line.contains(word))
        };
        let line = lines.iter().find(tells).or_else(|| lines.back())?;
        Some(line.chars().take(300).collect())
    }
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
