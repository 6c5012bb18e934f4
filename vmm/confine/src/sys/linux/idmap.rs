//! The user and group maps of a user namespace.

use std::{fs, io};

/// The id of `nobody`: the kernel's own overflow id, which owns nothing by convention.
pub(super) const NOBODY: u32 = 65_534;

/// Lines of a map file that map each id to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdMap(String);

impl IdMap {
    /// One id.
    pub(super) fn one(id: u32) -> Self {
        Self(format!("{id} {id} 1\n"))
    }

    /// Every id that exists in the namespace whose own map is `outer`.
    pub(super) fn all(outer: &str) -> Self {
        let mut lines = String::new();
        for line in outer.lines() {
            let mut words = line.split_ascii_whitespace();
            if let (Some(first), Some(_), Some(count)) = (words.next(), words.next(), words.next())
            {
                lines.push_str(&format!("{first} {first} {count}\n"));
            }
        }
        Self(lines)
    }

    /// Every id that exists in the calling process's namespace.
    pub(super) fn all_users() -> io::Result<Self> {
        fs::read_to_string("/proc/self/uid_map").map(|outer| Self::all(&outer))
    }

    /// Every group that exists in the calling process's namespace.
    pub(super) fn all_groups() -> io::Result<Self> {
        fs::read_to_string("/proc/self/gid_map").map(|outer| Self::all(&outer))
    }

    /// Writes this as the users of `process`, a number or `self`.
    pub(super) fn write_users(&self, process: &str) -> io::Result<()> {
        fs::write(format!("/proc/{process}/uid_map"), &self.0)
    }

    /// Writes this as the groups of `process`, a number or `self`.
    pub(super) fn write_groups(&self, process: &str) -> io::Result<()> {
        fs::write(format!("/proc/{process}/gid_map"), &self.0)
    }
}

/// Takes the calls that change groups away from the namespace of the calling process: what an
/// ordinary user must do before mapping a group.
pub(super) fn deny_setgroups() -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")
}

#[cfg(test)]
#[path = "idmap_test.rs"]
mod tests;
