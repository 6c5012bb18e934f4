//! What became of the attempt to start a program, from what the child reported.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use agent_protocol::SpawnFailure;

use crate::sys::fork::{Launch, REPORT, Step, parse_report};

/// How starting went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The program runs; guest `CLOCK_MONOTONIC` just before its `exec`, in nanoseconds.
    Started(u64),
    /// It does not, with an errno.
    Failed(SpawnFailure, i32),
}

/// Reads the child's reports until it has executed the program or given up.
pub fn outcome(mut pipe: impl Read, launch: &Launch) -> Outcome {
    let mut started = None;
    loop {
        let mut bytes = [0; REPORT];
        if pipe.read_exact(&mut bytes).is_err() {
            // Closed by exec; or a signal ended the child even before its first report.
            return started
                .map_or(Outcome::Failed(SpawnFailure::Other, libc::EINTR), Outcome::Started);
        }
        let (step, value) = parse_report(bytes);
        let errno = i32::try_from(value).unwrap_or(libc::EIO);
        let reason = match step {
            Step::Starting => {
                started = Some(value);
                continue;
            }
            Step::WorkingDirectory => SpawnFailure::WorkingDirectory,
            Step::Exec => not_executed(errno, launch),
            Step::Other => SpawnFailure::Other,
        };
        return Outcome::Failed(reason, errno);
    }
}

/// Whether a program is missing, or there but of no use. `ENOENT` is also what a missing
/// interpreter gives, and `EACCES` what an unreadable directory of `PATH` does.
fn not_executed(errno: i32, launch: &Launch) -> SpawnFailure {
    let cwd = Path::new(std::ffi::OsStr::from_bytes(launch.cwd.as_bytes()));
    let exists =
        |path: &std::ffi::CString| cwd.join(std::ffi::OsStr::from_bytes(path.as_bytes())).exists();
    match errno {
        libc::ENOMEM | libc::EAGAIN => SpawnFailure::Other,
        libc::ENOENT | libc::EACCES if !launch.candidates.iter().any(exists) => {
            SpawnFailure::NotFound
        }
        _ => SpawnFailure::NotExecutable,
    }
}

#[cfg(test)]
#[path = "report_test.rs"]
mod tests;
