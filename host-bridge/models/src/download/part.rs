//! One file on its way: `NAME.part` until it is checked.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, statvfs};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::error::{DownloadError, failure, file_error};
use super::{Progress, Step};
use crate::curl::{Curl, Fault};
use crate::gguf;
use crate::hub::RemoteFile;
use crate::source::Repo;

/// Left free on the disk, in bytes.
const SPARE: u64 = 64 << 20;

/// One file.
pub(super) struct Job<'a> {
    pub(super) curl: &'a Curl,
    pub(super) repo: &'a Repo,
    pub(super) url: String,
    pub(super) file: &'a RemoteFile,
    pub(super) place: &'a Path,
    pub(super) before: u64,
    pub(super) total: u64,
}

/// How one attempt ended.
enum Attempt {
    Done,
    /// What was there before is of no use; begin with nothing.
    Again,
}

impl Job<'_> {
    /// Fetches it, from the beginning if what is here does not fit.
    pub(super) fn run(&self, progress: &mut dyn FnMut(&Progress)) -> Result<(), DownloadError> {
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

/// Opens a part that is being fetched, to be read and written, for others to read.
fn open_part(path: &Path) -> Result<File, DownloadError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644));
    let file = File::from(opened.map_err(|e| file_error("open", path, e.into()))?);
    let set = file.set_permissions(Permissions::from_mode(0o644));
    set.map_err(|e| file_error("set the mode of", path, e))?;
    Ok(file)
}

fn remove(path: &Path) -> Result<(), DownloadError> {
    fs::remove_file(path).map_err(|e| file_error("remove", path, e))
}

/// Disk, quota, or largest size of a file.
fn full(error: &io::Error) -> bool {
    let codes = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|e| e.raw_os_error() == code))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
#[path = "part_test.rs"]
mod tests;
