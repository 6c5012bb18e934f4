//! Reads what `mmdebstrap --verbose` writes.

use std::collections::VecDeque;
use std::io;

use crate::{Phase, Progress};

/// What was read so far.
#[derive(Debug, Default)]
pub struct Log {
    installing: bool,
    installed: u64,
    expected: u64,
    complaint: Option<String>,
    recent: VecDeque<String>,
    full: bool,
}

impl Log {
    /// Takes a line, and says how far the build is where the line tells.
    pub fn line(&mut self, line: &str) -> Option<Progress> {
        self.remember(line);
        if let Some(part) = line.strip_prefix("qvm: ") {
            return match part {
                "kernel" => Some(Progress::start(Phase::Kernel)),
                "root" => Some(Progress::start(Phase::Root)),
                _ => None,
            };
        }
        if line.starts_with("I: downloading packages") {
            self.installing = true;
        } else if let Some(count) = newly_installed(line) {
            // Each is unpacked and set up.
            self.expected = self.expected.saturating_add(count.saturating_mul(2));
        } else if line.starts_with("Unpacking ") || line.starts_with("Setting up ") {
            self.installed = self.installed.saturating_add(1);
        } else {
            return None;
        }
        let now = Progress { phase: Phase::Packages, done: self.installed, total: self.total() };
        self.installing.then_some(now)
    }

    /// The count is known in two parts: the essential packages first, then all others, three
    /// times as many with the default recipe.
    fn total(&self) -> u64 {
        const FIRST_PART: u64 = 200;
        if self.expected < FIRST_PART { self.expected.saturating_mul(4) } else { self.expected }
    }

    /// The first line that complains, else the last that was said.
    pub fn telling(&self) -> String {
        let last = || self.recent.iter().rev().find(|line| !line.is_empty()).cloned();
        self.complaint.clone().or_else(last).unwrap_or_else(|| "it said nothing".to_owned())
    }

    /// An error that says so where the disk was full.
    pub fn full_disk(&self) -> Option<io::Error> {
        self.full.then(|| io::Error::from(io::ErrorKind::StorageFull))
    }

    fn remember(&mut self, line: &str) {
        const COMPLAINTS: [&str; 6] =
            ["E: ", "<E> ", "dpkg: error", "dpkg-deb: error", "tar: ", "qvm: error"];
        self.full |=
            line.contains("No space left on device") || line.contains("Disk quota exceeded");
        let line: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
        if self.complaint.is_none() && COMPLAINTS.iter().any(|start| line.starts_with(start)) {
            self.complaint = Some(line.clone());
        }
        if self.recent.len() == 4 {
            self.recent.pop_front();
        }
        self.recent.push_back(line);
    }
}

/// `59` of `0 upgraded, 59 newly installed, 0 to remove and 0 not upgraded.`
fn newly_installed(line: &str) -> Option<u64> {
    let (before, _) = line.split_once(" newly installed")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
