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
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, statvfs};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::curl::{Curl, Fault};
use crate::gguf;
use crate::hub::{self, ChoiceError, LONGEST_LIST, Listing, RemoteFile};
use crate::source::Repo;
use crate::weights::{Weights, WeightsError};

/// Left free on the disk, in bytes.
const SPARE: u64 = 64 << 20;

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

/// One file.
struct Job<'a> {
    curl: &'a Curl,
    repo: &'a Repo,
    url: String,
    file: &'a RemoteFile,
    place: &'a Path,
    before: u64,
    total: u64,
}

/// How one attempt ended.
enum Attempt {
    Done,
    /// What was there before is of no use; begin with nothing.
    Again,
}

impl Job<'_> {
    /// Fetches it, from the beginning if what is here does not fit.
    fn run(&self, progress: &mut dyn FnMut(&Progress)) -> Result<(), DownloadError> {
        let name = self.place.file_name().unwrap_or_default().to_string_lossy();
        let part = self.place.with_file_name(format!("{name}.part"));
        let attempt = match self.attempt(&part, progress)? {
            Attempt::Done => return Ok(()),
            Attempt::Again => self.attempt(&part, progress)?,
        };
        match attempt {
            Attempt::Done => Ok(()),
            Attempt::Again => Err(DownloadError::Hash(self.file.name.clone())),
        }
    }

    fn attempt(
        &self,
        part: &Path,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Attempt, DownloadError> {
        let mut file = open_part(part)?;
        let mut sink = Sink { hash: Sha256::new(), done: 0, limit: self.file.size };
        let mut report = |step, done| {
            let done = self.before.saturating_add(done);
            let name = self.file.name.clone();
            progress(&Progress { step, name, done, total: self.total });
        };
        // What is here already goes through the hash first, which also moves to the end.
        let old = sink.pour(&mut file, None, |done| report(Step::Checking, done));
        let resumed = sink.done;
        match old {
            Ok(()) => {}
            Err(Pour::TooMuch) => return remove(part).map(|()| Attempt::Again),
            Err(Pour::Read(e) | Pour::Write(e)) => return Err(file_error("read", part, e)),
        }
        if resumed < self.file.size {
            self.room(part, self.file.size - resumed)?;
            let started = self.curl.start(&self.url, resumed);
            let mut transfer = started.map_err(|e| self.network(e.to_string()))?;
            report(Step::Fetching, resumed);
            let poured = sink
                .pour(&mut transfer.stdout, Some(&mut file), |done| report(Step::Fetching, done));
            match poured {
                Ok(()) => {}
                Err(Pour::TooMuch) => {
                    remove(part)?;
                    return Err(DownloadError::Larger(self.file.name.clone()));
                }
                Err(Pour::Write(e)) if full(&e) => {
                    return Err(DownloadError::Full(self.file.name.clone()));
                }
                Err(Pour::Write(e)) => return Err(file_error("write", part, e)),
                Err(Pour::Read(e)) => return Err(self.network(e.to_string())),
            }
            let cut = |why: String| DownloadError::Cut {
                name: self.file.name.clone(),
                done: sink.done,
                total: self.file.size,
                why,
            };
            match transfer.finish() {
                // No parts of files, or no such part: what is here is of another file.
                Err(Fault::NoRange | Fault::Status(416)) if resumed > 0 => {
                    return remove(part).map(|()| Attempt::Again);
                }
                Err(Fault::Cut(why)) => return Err(cut(format!(", {why}"))),
                Err(fault) => return Err(failure(fault, self.repo, self.curl)),
                Ok(()) if sink.done < self.file.size => return Err(cut(String::new())),
                Ok(()) => {}
            }
        }
        if let Err(error) = self.check(part, &hex(&sink.hash.finalize())) {
            remove(part)?;
            // Perhaps only what was here before is wrong.
            return if resumed > 0 { Ok(Attempt::Again) } else { Err(error) };
        }
        let synced = file.sync_all().and_then(|()| fs::rename(part, self.place));
        synced.map_err(|e| file_error("finish", self.place, e))?;
        Ok(Attempt::Done)
    }

    /// SHA-256 and first bytes.
    fn check(&self, part: &Path, hash: &str) -> Result<(), DownloadError> {
        let name = self.file.name.clone();
        let mut start = Vec::new();
        let read = File::open(part).and_then(|file| file.take(64).read_to_end(&mut start));
        read.map_err(|e| file_error("read", part, e))?;
        if !start.starts_with(b"GGUF") {
            return Err(DownloadError::Magic { name, what: gguf::foreign(&start) });
        }
        match &self.file.sha256 {
            Some(wanted) if wanted != hash => Err(DownloadError::Hash(name)),
            _ => Ok(()),
        }
    }

    /// Whether so many bytes find room.
    fn room(&self, part: &Path, need: u64) -> Result<(), DownloadError> {
        let folder = part.parent().unwrap_or(part);
        // A file system that does not say is asked by writing.
        let Ok(about) = statvfs(folder) else { return Ok(()) };
        let free = about.f_bavail.saturating_mul(about.f_frsize);
        match free.saturating_sub(SPARE) < need {
            false => Ok(()),
            true => {
                let (name, folder) = (self.file.name.clone(), folder.into());
                Err(DownloadError::Space { name, folder, need, free })
            }
        }
    }

    fn network(&self, why: String) -> DownloadError {
        DownloadError::Network { repo: self.repo.clone().into(), why }
    }
}

/// Bytes on their way, counted and hashed.
struct Sink {
    hash: Sha256,
    done: u64,
    limit: u64,
}

/// How pouring failed.
#[derive(Debug)]
enum Pour {
    TooMuch,
    Read(io::Error),
    Write(io::Error),
}

impl Sink {
    /// Everything of `from` into the hash, and into `to` where there is one.
    fn pour(
        &mut self,
        from: &mut impl Read,
        mut to: Option<&mut File>,
        mut report: impl FnMut(u64),
    ) -> Result<(), Pour> {
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Pour::Read(e)),
            };
            self.done = self.done.saturating_add(count as u64);
            if self.done > self.limit {
                return Err(Pour::TooMuch);
            }
            let bytes = &buffer[..count];
            if let Some(to) = to.as_deref_mut() {
                to.write_all(bytes).map_err(Pour::Write)?;
            }
            self.hash.update(bytes);
            report(self.done);
        }
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

/// Opens a part that is being fetched, to be read and written, for others to read.
fn open_part(path: &Path) -> Result<File, DownloadError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644));
    let file = File::from(opened.map_err(|e| file_error("open", path, e.into()))?);
    let set = file.set_permissions(Permissions::from_mode(0o644));
    set.map_err(|e| file_error("set the mode of", path, e))?;
    Ok(file)
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

fn remove(path: &Path) -> Result<(), DownloadError> {
    fs::remove_file(path).map_err(|e| file_error("remove", path, e))
}

fn file_error(what: &'static str, path: &Path, source: io::Error) -> DownloadError {
    DownloadError::File { what, path: path.into(), source }
}

/// Disk, quota, or largest size of a file.
fn full(error: &io::Error) -> bool {
    let codes = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|e| e.raw_os_error() == code))
}

/// What a failure of curl means to the user.
fn failure(fault: Fault, repo: &Repo, curl: &Curl) -> DownloadError {
    let repo = Box::new(repo.clone());
    match fault {
        Fault::Status(401 | 403) => DownloadError::Denied { repo, token: curl.has_token() },
        Fault::Status(404) => DownloadError::NotFound(repo),
        Fault::Status(status) => DownloadError::Status { repo, status },
        Fault::NoRange => DownloadError::Network { repo, why: "no ranges".into() },
        Fault::Cut(why) | Fault::Other(why) => DownloadError::Network { repo, why },
    }
}

/// A path as it stands in a URL.
fn escaped(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    path.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
#[path = "download_test.rs"]
mod tests;
