//! How bringing weights fails.

use std::io;
use std::path::{Path, PathBuf};

use crate::curl::{Curl, Fault};
use crate::hub::ChoiceError;
use crate::source::Repo;
use crate::weights::WeightsError;

/// Why weights did not come.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No file, or not one, was chosen.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// Not in the cache, and no network is to be used.
    #[error("{0} is not in the cache, and nothing is fetched offline")]
    Offline(Box<Repo>),
    /// 401 or 403.
    #[error("{repo}: {}", denied(repo, *token))]
    Denied {
        /// What was asked for.
        repo: Box<Repo>,
        /// A token was sent.
        token: bool,
    },
    /// 404.
    #[error("{0} is not on the hub: no such repository, revision or file")]
    NotFound(Box<Repo>),
    /// Another status of HTTP.
    #[error("{repo}: the hub answered with status {status}; try again later")]
    Status {
        /// What was asked for.
        repo: Box<Repo>,
        /// Status.
        status: u16,
    },
    /// The line was cut.
    #[error(
        "{name}: the transfer ended after {done} of {total} bytes{why}; run it again to go on from there"
    )]
    Cut {
        /// The file.
        name: String,
        /// Bytes that are here.
        done: u64,
        /// Bytes it has.
        total: u64,
        /// What curl said, after a comma; or nothing.
        why: String,
    },
    /// More bytes came than were announced.
    #[error("{0}: the hub sends another file than it lists; it was removed, run it again")]
    Larger(String),
    /// The hash is not the one of the list.
    #[error("{0}: its SHA-256 is not the one that the hub lists; it was removed, run it again")]
    Hash(String),
    /// Not a GGUF file after all.
    #[error("{name}: it is not a GGUF file ({what}); it was removed")]
    Magic {
        /// The file.
        name: String,
        /// What it is.
        what: String,
    },
    /// Less room than needed.
    #[error("{name} needs {} MiB more, and {} has {} MiB free; make room, or run it again", need >> 20, folder.display(), free >> 20)]
    Space {
        /// The file.
        name: String,
        /// Where.
        folder: PathBuf,
        /// Bytes that are still to come.
        need: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk or the quota is full.
    #[error("{0}: the disk or a quota is full; make room and run it again to go on from there")]
    Full(String),
    /// Network, names, certificates, in curl's words.
    #[error("{repo}: {why}")]
    Network {
        /// What was asked for.
        repo: Box<Repo>,
        /// What curl said.
        why: String,
    },
    /// A file of the cache.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What is there cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

fn denied(repo: &Repo, token: bool) -> String {
    let page = format!("https://huggingface.co/{}/{}", repo.org, repo.name);
    match token {
        false => format!(
            "it does not exist, or wants a token: set HF_TOKEN, and accept its licence at {page}"
        ),
        true => format!(
            "the hub refuses the token; accept its licence at {page}, or use another HF_TOKEN"
        ),
    }
}

/// An error of a file.
pub(super) fn file_error(what: &'static str, path: &Path, source: io::Error) -> DownloadError {
    DownloadError::File { what, path: path.into(), source }
}

/// What a failure of curl means to the user.
pub(super) fn failure(fault: Fault, repo: &Repo, curl: &Curl) -> DownloadError {
    let repo = Box::new(repo.clone());
    match fault {
        Fault::Status(401 | 403) => DownloadError::Denied { repo, token: curl.has_token() },
        Fault::Status(404) => DownloadError::NotFound(repo),
        Fault::Status(status) => DownloadError::Status { repo, status },
        Fault::NoRange => DownloadError::Network { repo, why: "no ranges".into() },
        Fault::Cut(why) | Fault::Other(why) => DownloadError::Network { repo, why },
    }
}
