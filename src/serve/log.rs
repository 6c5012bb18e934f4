//! What a model server prints: kept for explaining its end, shown if asked for.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{error::plain, session::spawn_thread};

/// Lines that are kept.
const LINES: usize = 200;
/// Longest line that is kept, in bytes.
const LINE: u64 = 2000;

/// The end of what a server printed.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

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
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let line = plain(String::from_utf8_lossy(&bytes).trim_end());
                if verbose {
                    eprintln!("{line}");
                }
                let mut lines = log.0.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() == LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
        })?;
        Ok(())
    }

    /// The lines that are kept.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The line that tells best why the server ended: the first that speaks of an error, else the
    /// last.
    pub fn telling(&self) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
