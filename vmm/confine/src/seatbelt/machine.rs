//! The profile of a process of qvm's own.
//!
//! | what | rule |
//! |---|---|
//! | the program itself, the system's libraries | read, map executable; executed once, no fork |
//! | shared folders | read, written, linked within and locked; read-only ones are read and locked |
//! | descriptors that it was given | used; of the files behind them that are named, the size |
//! | sockets | pairs of its own; nothing is bound or connected, of whatever family |
//! | Hypervisor.framework | what it asks of the kernel's numbers; see below |
//!
//! Hypervisor.framework wants the entitlement `com.apple.security.hypervisor` and nothing else of
//! the profile: Apple describes it as for "entitled, sandboxed, user-space" processes, and virtual
//! machines of libkrun are seen to boot under a profile that denies by default and has no rule
//! about it (github.com/qntx/bux, pull request 73). On Apple silicon a virtual machine is no IOKit
//! service, unlike on Intel, where it was `AppleHVClient`.
//!
//! `file-link` is no part of `file-write*`: without it there are no hard links, and no file that
//! has two names can be renamed. Both names must be in folders that have it, so that no link from
//! a folder leads to a file outside.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Parameters, SeatbeltError, numbered};

/// A folder that the process serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its real path.
    pub path: PathBuf,
    /// Nothing in it is written.
    pub read_only: bool,
}

/// What a process may use. All paths are real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The program, qvm.
    pub program: PathBuf,
    /// The folders that it serves; none for a process that only has descriptors.
    pub folders: Vec<Folder>,
    /// Files that it is given open and asks the size of, such as a disk. They are read through the
    /// descriptor, for which no rule is needed.
    pub given: Vec<PathBuf>,
}

impl Machine {
    /// The arguments of [`PROGRAM`](super::PROGRAM), up to the command, which follows and begins
    /// with [`Machine::program`].
    ///
    /// # Errors
    /// [`SeatbeltError::Path`].
    pub fn arguments(&self) -> Result<Vec<OsString>, SeatbeltError> {
        super::arguments(&self.parameters(), self.profile())
    }

    /// The profile. It depends on how many paths there are and on which folders are read-only, not
    /// on what is in a path.
    #[must_use]
    pub fn profile(&self) -> String {
        let mut text = String::from(HYPERVISOR);
        for (index, folder) in self.folders.iter().enumerate() {
            let may = if folder.read_only { READ } else { WRITE };
            text.push_str(&format!("(allow {may} (subpath (param \"FOLDER{index}\")))\n"));
        }
        for index in 0..self.given.len() {
            text.push_str(&format!(
                "(allow file-read-metadata (literal (param \"GIVEN{index}\")))\n"
            ));
        }
        super::profile(&self.parameters(), &text, "")
    }

    /// Names of the profile's parameters, and their paths.
    fn parameters(&self) -> Parameters<'_> {
        let mut list = vec![("PROGRAM".to_owned(), self.program.as_path())];
        list.extend(numbered("FOLDER", self.folders.iter().map(|folder| &folder.path)));
        list.extend(numbered("GIVEN", self.given.iter()));
        list
    }
}

const HYPERVISOR: &str = r#"(allow sysctl-read (sysctl-name-prefix "kern.hv"))
"#;

/// What is done with a folder. A program of the guest's that only reads locks all the same.
const READ: &str = "file-read* file-test-existence file-lock";
const WRITE: &str = "file-read* file-test-existence file-write* file-link file-lock";

#[cfg(test)]
#[path = "machine_test.rs"]
mod tests;
