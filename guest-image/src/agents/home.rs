//! The user's own settings for agents in guests: a directory of the host that is copied into the
//! guest's home at each start. The host's copy is only read (requirement D03), and read anew each
//! time (D20). What the user has for agents outside of guests is not looked at (D01).

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::GuestFile;

/// Most files of the directory.
pub const MAX_HOME_FILES: usize = 500;

/// Most bytes that they have together.
pub const MAX_HOME_BYTES: u64 = 1 << 20;

/// Folders inside folders.
const MAX_DEPTH: usize = 16;

/// The user's settings cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file or folder cannot be read.
    #[error("cannot read {}, which is to be copied into the guest's home", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Neither a file nor a folder; a link, for example.
    #[error("{} is neither a file nor a folder, and nothing else is copied into the guest's home: put a copy there", .0.display())]
    Kind(PathBuf),
    /// More than fits.
    #[error("{} has more than {MAX_HOME_FILES} files or {} KiB or folders too deep in each other, too much to copy into the guest's home: keep only settings there", .0.display(), MAX_HOME_BYTES >> 10)]
    TooMuch(PathBuf),
}

/// The files of `dir` at the same places below `home`; none where there is no `dir`.
///
/// # Errors
/// [`HomeError`].
pub fn personal(dir: &Path, home: &Path) -> Result<Vec<GuestFile>, HomeError> {
    match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        _ => {}
    }
    let mut walk = Walk { top: dir, left: MAX_HOME_BYTES, files: Vec::new() };
    walk.folder(dir, home, 0)?;
    Ok(walk.files)
}

/// What was found so far.
struct Walk<'a> {
    top: &'a Path,
    left: u64,
    files: Vec<GuestFile>,
}

impl Walk<'_> {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), HomeError> {
        if depth > MAX_DEPTH {
            return Err(HomeError::TooMuch(self.top.to_owned()));
        }
        let read = |source| HomeError::Read { path: from.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(from).map_err(read)? {
            names.push(entry.map_err(read)?.file_name());
            if names.len() > MAX_HOME_FILES {
                return Err(HomeError::TooMuch(self.top.to_owned()));
            }
        }
        // The system's order is any; the guest is to be the same each time.
        names.sort_unstable();
        for name in names {
            let (path, place) = (from.join(&name), to.join(&name));
            let kind = fs::symlink_metadata(&path)
                .map_err(|source| HomeError::Read { path: path.clone(), source })?
                .file_type();
            if kind.is_dir() {
                self.folder(&path, &place, depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, place)?;
            } else {
                return Err(HomeError::Kind(path));
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: PathBuf) -> Result<(), HomeError> {
        let read = |source| HomeError::Read { path: from.to_owned(), source };
        // These are small numbers; the system's two ways to call differ in their type.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(from).map_err(read)?;
        let meta = file.metadata().map_err(read)?;
        if !meta.is_file() {
            return Err(HomeError::Kind(from.to_owned()));
        }
        let mut contents = Vec::new();
        file.take(self.left + 1).read_to_end(&mut contents).map_err(read)?;
        let length = contents.len() as u64;
        if length > self.left || self.files.len() == MAX_HOME_FILES {
            return Err(HomeError::TooMuch(self.top.to_owned()));
        }
        self.left -= length;
        self.files.push(GuestFile { path: to, contents, mode: meta.permissions().mode() & 0o777 });
        Ok(())
    }
}

#[cfg(test)]
#[path = "home_test.rs"]
mod tests;
