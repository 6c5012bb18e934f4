//! Profiles of Seatbelt (macOS): [`Machine`] for processes of qvm's own, [`Server`] for a model
//! server.
//!
//! Everything is denied but what is listed. Paths are no part of the text: a profile names
//! parameters, and `sandbox-exec -D NAME=PATH` gives them, so that no path can end a rule and
//! begin another. Seatbelt compares real paths (`/private/tmp`, not `/tmp`) in the spelling that
//! they are stored in; the caller resolves them.
//!
//! Both begin with `system.sb` of macOS, which brings what every program needs: its loader and
//! libraries, the clock, `/dev/null` and `/dev/urandom`, the question whether it is in a sandbox,
//! and services such as the log, the user database and preferences. What it allows of the network
//! (the old system log) is denied again, as the last rule that fits decides.

mod machine;
mod server;
#[cfg(test)]
mod testing;

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::State;

pub use machine::{Folder, Machine};
pub use server::{Metal, Server};

/// Where the program is that applies a profile. Its own arguments come first, then the command.
/// It becomes the command: process number, parent and descriptors stay.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeatbeltError {
    /// Relative, the whole disk, with a NUL, or with `..`.
    #[error("{0:?} is no real path below the root, which the sandbox of a process needs")]
    Path(PathBuf),
    /// A folder that a server may write holds what it must not change.
    #[error("{inner:?} lies in {outer:?}, which the server could write to")]
    Writable {
        /// What must not be written.
        inner: PathBuf,
        /// The folder.
        outer: PathBuf,
    },
    /// The socket is not in the server's folder.
    #[error("the socket {0:?} is not in the server's own folder")]
    Socket(PathBuf),
}

/// Whether the calling process is in a sandbox of Seatbelt, and if not why. `None` where the
/// system has no such thing.
#[must_use]
pub fn support() -> Option<State> {
    crate::sys::seatbelt_in_force()
}

/// Names of a profile's parameters, and their paths.
type Parameters<'a> = Vec<(String, &'a Path)>;

/// Numbered parameters.
fn numbered<'a>(
    name: &'static str,
    paths: impl Iterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = (String, &'a Path)> {
    paths.enumerate().map(move |(index, path)| (format!("{name}{index}"), path.as_path()))
}

/// The arguments of [`PROGRAM`], up to the command.
fn arguments(parameters: &Parameters<'_>, profile: String) -> Result<Vec<OsString>, SeatbeltError> {
    let mut arguments = Vec::new();
    for (name, path) in parameters {
        if !is_real(path) {
            return Err(SeatbeltError::Path(path.to_path_buf()));
        }
        let mut parameter = OsString::from(format!("{name}="));
        parameter.push(path);
        arguments.extend([OsString::from("-D"), parameter]);
    }
    arguments.extend([OsString::from("-p"), profile.into()]);
    Ok(arguments)
}

fn is_real(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let plain = |c| matches!(c, Component::RootDir | Component::Normal(_));
    path.is_absolute()
        && path.components().count() >= 2
        && path.components().all(plain)
        && !path.as_os_str().as_bytes().contains(&0)
}

/// A profile: what every process may do, what this one may, and what none may.
fn profile(parameters: &Parameters<'_>, own: &str, last: &str) -> String {
    let mut text = String::from(BASE);
    text.push_str(own);
    for (name, _) in parameters {
        // To walk to a path, and to know the working directory, a name is enough.
        text.push_str(&format!("(allow file-read-metadata (path-ancestors (param \"{name}\")))\n"));
    }
    text.push_str(END);
    text.push_str(last);
    text
}

const BASE: &str = r#"(version 1)
(deny default)
(import "system.sb")
(allow process-exec (literal (param "PROGRAM")))
(allow signal (target self))
(allow process-info-pidinfo (target self))
(allow process-info-setcontrol (target self))
(allow sysctl-read
  (sysctl-name "hw.ncpu" "hw.memsize" "hw.pagesize" "kern.maxfilesperproc")
  (sysctl-name "kern.osproductversion" "kern.osrelease" "kern.osversion")
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

/// Last, as the last rule that fits decides.
const END: &str = r#"(deny file-write-setugid)
(deny network*)
(deny network-outbound)
(allow system-socket (socket-domain AF_UNIX))
(deny process-fork)
"#;
