//! Why a process is not there.

use std::io;

/// Why a process is not there, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system did not start it.
    #[error("cannot start the {name} process")]
    Start {
        /// Its name.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It said why it could not do its work.
    #[error("the {name} process: {why}")]
    Failed {
        /// Its name.
        name: &'static str,
        /// What it said, with causes, on one line.
        why: String,
    },
    /// It ended before it was ready and said nothing.
    #[error("the {name} process {status} before it was ready")]
    Ended {
        /// Its name.
        name: &'static str,
        /// How.
        status: super::Status,
    },
    /// It neither became ready nor ended.
    #[error(
        "the {name} process was not ready within {seconds} seconds; the machine may be overloaded: try again"
    )]
    Silent {
        /// Its name.
        name: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
}
