//! The guest's serial console: kept for the day the guest does not come up.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError},
};

use super::attach::spawn;

/// What is kept, in bytes. A panic with its trace is about 4 KiB.
const KEPT: usize = 16 << 10;

/// Lines of the console in an error message.
const TOLD: usize = 10;
/// What Linux says first when it gives up.
const PANIC: &str = "Kernel panic - not syncing";

/// The last of what the guest printed on its console.
#[derive(Debug, Clone)]
pub struct Console {
    kept: Arc<Mutex<VecDeque<u8>>>,
}

impl Console {
    /// Reads `from` to its end on a thread; with `show`, copies it to standard error too.
    ///
    /// The reader never stops reading: a guest that floods its console costs time, not memory.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn follow(mut from: UnixStream, show: bool) -> std::io::Result<Self> {
        let console = Self { kept: Arc::default() };
        let kept = Arc::clone(&console.kept);
        spawn("console", move || {
            let mut buffer = [0u8; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let clean: Vec<u8> = buffer[..n].iter().copied().filter(|b| harmless(*b)).collect();
                if show {
                    let _ = std::io::stderr().write_all(&clean);
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&clean);
                let over = kept.len().saturating_sub(KEPT);
                kept.drain(..over);
            }
        })?;
        Ok(console)
    }

    /// The last `lines` lines that are not empty.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
        all[all.len().saturating_sub(lines)..].iter().map(ToString::to_string).collect()
    }

    /// The lines that tell most: the last ones, or of a panic its reason and what follows.
    pub fn telling(&self) -> Vec<String> {
        let all = self.tail(usize::MAX);
        let from = match all.iter().position(|line| line.contains(PANIC)) {
            Some(panic) => panic,
            None => all.len().saturating_sub(TOLD),
        };
        all.into_iter().skip(from).take(TOLD).collect()
    }

    /// True if the kernel said that it panicked.
    pub fn panicked(&self) -> bool {
        self.tail(usize::MAX).iter().any(|line| line.contains(PANIC))
    }
}

/// Printable ASCII, tab and newline: no escape sequence of the guest's reaches the terminal.
fn harmless(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\t' | 0x20..=0x7e)
}

#[cfg(test)]
#[path = "console_test.rs"]
mod tests;
