//! Brings weights from the hub into the cache.
//!
//! ```text
//! here? ──yes──▶ done, without any network
//!   │ no
//! list ─▶ choose ─▶ each part: NAME.part (resumed) ─▶ size, SHA-256, magic ─▶ rename to NAME
//! ```
//!
//! A name without `.part` is only ever given to a file that was checked. One download a repository
//! at a time: the lock is the kernel's and goes with its holder.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::curl::Curl;
use crate::hub::{self, ChoiceError, LONGEST_LIST, Listing};
use crate::source::Repo;
use crate::weights::Weights;

mod error;
mod part;

pub use error::DownloadError;
use error::{failure, file_error};
use part::Job;

/// What goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Another process fetches from the same repository.
    Waiting,
    /// The hub is asked what there is.
    Listing,
    /// Bytes come.
    Fetching,
    /// Bytes that were here before are hashed.
    Checking,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What goes on.
    pub step: Step,
    /// File, or repository.
    pub name: String,
    /// Bytes that are here, over all parts.
    pub done: u64,
    /// Bytes of all parts; 0 where that is not known yet.
    pub total: u64,
}

/// Fetches models into a folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    endpoint: String,
    curl: Option<Curl>,
}

impl Store {
    /// Models under `cache/models`, from `endpoint` (see [`crate::curl::endpoint`]). Without
    /// `curl` nothing is fetched: what is here is used.
    #[must_use]
    pub fn new(cache: &Path, endpoint: String, curl: Option<Curl>) -> Self {
        Self { folder: cache.join("models"), endpoint, curl }
    }

    /// Where files of a repository are.
    #[must_use]
    pub fn folder(&self, repo: &Repo) -> PathBuf {
        let name = match &repo.revision {
            Some(revision) => format!("{}@{revision}", repo.name),
            None => repo.name.clone(),
        };
        self.folder.join(&repo.org).join(name)
    }

    /// The complete file in the cache that `repo` means, without any network. Where the text names
    /// no file, what is here decides.
    #[must_use]
    pub fn here(&self, repo: &Repo) -> Option<PathBuf> {
        let folder = self.folder(repo);
        let mut names = Vec::new();
        collect(&folder, "", 0, &mut names);
        names.sort();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        hub::choose(&names, repo).ok().map(|name| folder.join(name))
    }

    /// The weights that `repo` means: from the cache, else from the hub.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn fetch(
        &self,
        repo: &Repo,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Weights, DownloadError> {
        if let Some(weights) = self.complete(repo) {
            return Ok(weights);
        }
        let curl = self.curl.as_ref().ok_or_else(|| DownloadError::Offline(repo.clone().into()))?;
        let folder = self.folder(repo);
        self.make(&folder)?;
        let step = |step| Progress { step, name: repo.to_string(), done: 0, total: 0 };
        let _lock = lock(&folder.join(".lock"), || progress(&step(Step::Waiting)))?;
        // Whoever held the lock may have brought it.
        if let Some(weights) = self.complete(repo) {
            return Ok(weights);
        }
        progress(&step(Step::Listing));
        let listing = self.list_with(curl, repo)?;
        let parts = listing.choose(repo)?;
        let total = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.size));
        let revision = listing.commit.as_deref().unwrap_or(repo.revision());
        let mut before = 0;
        for part in &parts {
            let place = folder.join(&part.name);
            if !place.is_file() {
                place.parent().map_or(Ok(()), |parent| self.make(parent))?;
                let job = Job {
                    curl,
                    repo,
                    url: format!(
                        "{}/{}/{}/resolve/{revision}/{}",
                        self.endpoint,
                        repo.org,
                        repo.name,
                        escaped(&part.name)
                    ),
                    file: part,
                    place: &place,
                    before,
                    total,
                };
                job.run(progress)?;
            }
            before = before.saturating_add(part.size);
        }
        let first = parts.first().ok_or_else(|| DownloadError::NotFound(repo.clone().into()))?;
        Ok(Weights::open(&folder.join(&first.name))?)
    }

    /// What the repository has.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn list(&self, repo: &Repo) -> Result<Listing, DownloadError> {
        let curl = self.curl.as_ref().ok_or_else(|| DownloadError::Offline(repo.clone().into()))?;
        self.list_with(curl, repo)
    }

    fn list_with(&self, curl: &Curl, repo: &Repo) -> Result<Listing, DownloadError> {
        let revision = repo.revision.as_ref().map(|r| format!("/revision/{r}")).unwrap_or_default();
        let url =
            format!("{}/api/models/{}/{}{revision}?blobs=true", self.endpoint, repo.org, repo.name);
        let network = |why: String| DownloadError::Network { repo: repo.clone().into(), why };
        let mut transfer = curl.start(&url, 0).map_err(|e| network(e.to_string()))?;
        let mut answer = Vec::new();
        let read = (&mut transfer.stdout).take(LONGEST_LIST + 1).read_to_end(&mut answer);
        read.map_err(|e| network(e.to_string()))?;
        if answer.len() as u64 > LONGEST_LIST {
            return Err(ChoiceError::List(repo.clone().into()).into());
        }
        transfer.finish().map_err(|fault| failure(fault, repo, curl))?;
        Ok(Listing::parse(&answer, repo)?)
    }

    /// What is in the cache, if nothing of it is missing.
    fn complete(&self, repo: &Repo) -> Option<Weights> {
        Weights::open(&self.here(repo)?).ok()
    }

    /// Makes a folder below the store's that another user may read.
    fn make(&self, folder: &Path) -> Result<(), DownloadError> {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(folder);
        made.map_err(|source| file_error("make", folder, source))?;
        for dir in folder.ancestors().take_while(|dir| dir.starts_with(&self.folder)) {
            let set = fs::set_permissions(dir, Permissions::from_mode(0o755));
            set.map_err(|source| file_error("set the mode of", dir, source))?;
        }
        Ok(())
    }
}

/// Names of GGUF files below `folder`, relative to the repository.
fn collect(folder: &Path, prefix: &str, depth: u32, names: &mut Vec<String>) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().take(10_000) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth < 8 {
            collect(&entry.path(), &format!("{prefix}{name}/"), depth + 1, names);
        } else if crate::source::is_gguf(&name) && entry.path().is_file() {
            names.push(format!("{prefix}{name}"));
        }
    }
}

/// Takes the lock of a folder; `waiting` is called once if somebody else has it.
fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File, DownloadError> {
    let failed = |e: io::Error| file_error("lock", path, e);
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = options.map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(file),
        Err(Errno::WOULDBLOCK) => waiting(),
        Err(e) => return Err(failed(e.into())),
    }
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::INTR) => {}
            Err(e) => return Err(failed(e.into())),
        }
    }
}

/// A path as it stands in a URL.
fn escaped(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    path.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
#[path = "download_test.rs"]
mod tests;
