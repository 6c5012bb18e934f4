//! The profile of Seatbelt (macOS) in which a process of qvm's own runs.
//!
//! Everything is denied but what is listed here. Paths are no part of the text: the profile names
//! parameters, and `sandbox-exec -D NAME=PATH` gives them, so that no path can end a rule and
//! begin another. Seatbelt compares real paths (`/private/tmp`, not `/tmp`) in the spelling that
//! they are stored in; the caller resolves them.
//!
//! | what | rule |
//! |---|---|
//! | the program itself, the system's libraries | read, map executable; executed once, no fork |
//! | shared folders | read, written and locked; read-only ones are read |
//! | descriptors that it was given | used; of the files behind them that are named, the size |
//! | sockets | pairs of its own; nothing is bound or connected, of whatever family |
//! | Hypervisor.framework | no rule: see below |
//!
//! `system.sb` of macOS brings what every program needs: its loader and libraries, the clock, the
//! log, `/dev/null` and `/dev/urandom`.
//!
//! Hypervisor.framework wants the entitlement `com.apple.security.hypervisor` and nothing of the
//! profile: Apple describes it as for "entitled, sandboxed, user-space" processes, and virtual
//! machines of libkrun are seen to boot under a profile that denies by default and has no rule
//! about it (github.com/qntx/bux, pull request 73). On Apple silicon a virtual machine is no IOKit
//! service, unlike on Intel, where it was `AppleHVClient`.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::State;

/// Where the program is that applies a profile. Its own arguments come first, then the command.
/// It becomes the command: process number, parent and descriptors stay.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeatbeltError {
    /// Relative, the whole disk, with a NUL, or with `..`.
    #[error("{0:?} is no real path below the root, which the sandbox of a process needs")]
    Path(PathBuf),
}

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
pub struct Seatbelt {
    /// The program, qvm.
    pub program: PathBuf,
    /// The folders that it serves; none for a process that only has descriptors.
    pub folders: Vec<Folder>,
    /// Files that it is given open and asks the size of, such as a disk. They are read through the
    /// descriptor, for which no rule is needed.
    pub given: Vec<PathBuf>,
}

impl Seatbelt {
    /// The arguments of [`PROGRAM`], up to the command, which follows and begins with
    /// [`Seatbelt::program`].
    ///
    /// # Errors
    /// [`SeatbeltError`].
    pub fn arguments(&self) -> Result<Vec<OsString>, SeatbeltError> {
        let mut arguments = Vec::new();
        for (name, path) in self.parameters() {
            if !is_real(path) {
                return Err(SeatbeltError::Path(path.to_path_buf()));
            }
            let mut parameter = OsString::from(format!("{name}="));
            parameter.push(path);
            arguments.extend([OsString::from("-D"), parameter]);
        }
        arguments.extend([OsString::from("-p"), self.profile().into()]);
        Ok(arguments)
    }

    /// The profile. It depends on how many paths there are and on which folders are read-only, not
    /// on what is in a path.
    #[must_use]
    pub fn profile(&self) -> String {
        let mut text = String::from(BASE);
        for (index, folder) in self.folders.iter().enumerate() {
            let may = if folder.read_only { READ } else { WRITE };
            text.push_str(&format!("(allow {may} (subpath (param \"FOLDER{index}\")))\n"));
        }
        for index in 0..self.given.len() {
            text.push_str(&format!(
                "(allow file-read-metadata (literal (param \"GIVEN{index}\")))\n"
            ));
        }
        for (name, _) in self.parameters() {
            // To walk to a path a name is enough.
            text.push_str(&format!(
                "(allow file-read-metadata (path-ancestors (param \"{name}\")))\n"
            ));
        }
        // Last: the last rule that fits decides.
        text.push_str(END);
        text
    }

    /// Names of the profile's parameters, and their paths.
    fn parameters(&self) -> Vec<(String, &Path)> {
        let mut list = vec![("PROGRAM".to_owned(), self.program.as_path())];
        let folders = self.folders.iter().map(|folder| &folder.path);
        list.extend(folders.enumerate().map(|(n, path)| (format!("FOLDER{n}"), path.as_path())));
        let given = self.given.iter().enumerate();
        list.extend(given.map(|(n, path)| (format!("GIVEN{n}"), path.as_path())));
        list
    }
}

/// Whether the calling process is in a sandbox of Seatbelt, and if not why. `None` where the
/// system has no such thing.
#[must_use]
pub fn support() -> Option<State> {
    crate::sys::seatbelt_in_force()
}

fn is_real(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let plain = |c| matches!(c, Component::RootDir | Component::Normal(_));
    path.is_absolute()
        && path.components().count() >= 2
        && path.components().all(plain)
        && !path.as_os_str().as_bytes().contains(&0)
}

const BASE: &str = r#"(version 1)
(deny default)
(import "system.sb")
(allow process-exec (literal (param "PROGRAM")))
(deny process-fork)
(allow signal (target self))
(allow process-info-pidinfo (target self))
(allow sysctl-read
  (sysctl-name "hw.ncpu" "hw.memsize" "hw.pagesize" "kern.hv_support")
  (sysctl-name "kern.maxfilesperproc" "kern.osproductversion" "kern.osrelease" "kern.osversion")
  (sysctl-name-prefix "hw.optional."))
(allow file-read*
  (subpath "/usr/lib")
  (subpath "/System/Library/Frameworks")
  (subpath "/System/Library/PrivateFrameworks")
  (subpath "/System/Library/Caches/com.apple.dyld")
  (literal "/dev/null")
  (literal "/dev/random")
  (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null"))
(allow file-read* file-map-executable (literal (param "PROGRAM")))
"#;

/// What is done with a folder.
const READ: &str = "file-read*";
const WRITE: &str = "file-read* file-write* file-lock";

const END: &str = r#"(deny file-write-setugid)
(deny network*)
(deny network-outbound)
(allow system-socket (socket-domain AF_UNIX))
(deny process-fork)
"#;

#[cfg(test)]
#[path = "seatbelt_test.rs"]
mod tests;
