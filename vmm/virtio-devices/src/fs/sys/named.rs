//! macOS: a directory is a descriptor, and any other file is its directory and its name.
//!
//! Everything here is POSIX; what is macOS's alone is in `native`, of which there is one for
//! Linux as well, for tests.
//!
//! There is no `O_PATH` here: a descriptor of a file is one that reads it or writes it, and some
//! files can be opened for neither. The two usual substitutes name a file by number,
//! `/.vol/DEVICE/INODE`, or by the path that `F_GETPATH` tells. Both are walked from the root of
//! the host and past whatever was put into the way meanwhile, not each kind of volume has the
//! first, and XNU keeps it "for compatibility" only. So neither is used, and no path is made at
//! all: a node that is no directory is the descriptor of the directory that it was found in, its
//! name there, and its identity.
//!
//! ```text
//!   stat   : fstatat(directory, name), and the identity must be the node's
//!   open   : openat(directory, name, O_NOFOLLOW_ANY), fstat, and the identity must be the node's
//!            ── if it is not: closed again, nothing read, nothing cut, ESTALE
//!   rename : by the guest: the node is told; by the host: ESTALE, on which Linux looks up anew
//! ```
//!
//! Identity is device, inode, kind and, where the system tells it (to root), the inode's generation.
//! APFS never gives an inode number twice. The one thing that cannot be had is to reach a file
//! that the host has moved or removed while the guest has it open only by node; reading and
//! writing it goes through the handle, which is a descriptor.
//!
//! A node thus costs no descriptor unless it is a directory: macOS gives a process some ten
//! thousand, a fraction of what a workspace has files.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, ftruncate, openat, statat};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::Stat;
use crate::fs::name::Name;
use crate::fs::passthrough::limits::{Budget, Permit, descriptors};

#[path = "named/change.rs"]
mod change;
#[path = "named/list.rs"]
mod list;
#[cfg(target_os = "linux")]
#[path = "named/native/linux.rs"]
mod native;
#[cfg(not(target_os = "linux"))]
#[path = "named/native/macos.rs"]
mod native;
#[path = "named/space.rs"]
mod space;

pub(in crate::fs) use list::Listing;
pub(in crate::fs) use native::{LOCK_KINDS, linux_errno};
use native::{NOFOLLOW, SEARCH, is_no_name, plain, stored_otherwise};

/// Whether each node takes a descriptor.
pub(in crate::fs) const NODES_HOLD_DESCRIPTORS: bool = false;

/// Seconds since 1970.
pub(in crate::fs) fn now() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
}

/// What is needed to work with files: a count of the directories that may be held.
#[derive(Debug)]
pub struct Host {
    folders: Budget,
}

/// An open directory.
#[derive(Debug)]
pub(in crate::fs) struct Folder {
    fd: OwnedFd,
    device: (u32, u32),
    _permit: Option<Permit>,
}

/// What makes a file this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: (u32, u32),
    ino: u64,
    generation: u64,
    kind: FileType,
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self { device: stat.device, ino: stat.ino, generation: stat.variant, kind: stat.kind() }
    }
}

/// Where a file was last found.
#[derive(Debug, Clone)]
struct Place {
    folder: Arc<Folder>,
    name: CString,
}

/// What is kept of a file that the guest knows.
#[derive(Debug)]
pub(in crate::fs) enum Held {
    /// A directory.
    Folder(Arc<Folder>),
    /// Anything else, and a directory that lets nobody in.
    Named(Named),
}

/// A file that is known by name.
#[derive(Debug)]
pub(in crate::fs) struct Named {
    identity: Identity,
    place: Mutex<Place>,
}

impl Held {
    /// The directory, to name files in.
    fn folder(&self) -> Result<&Arc<Folder>, Errno> {
        match self {
            Self::Folder(folder) => Ok(folder),
            Self::Named(_) => Err(Errno::ACCESS),
        }
    }
}

impl Named {
    fn place(&self) -> Place {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it is, once it is certain that it is there.
    fn found(&self) -> Result<(Place, Stat), Errno> {
        let place = self.place();
        match stat_at(&place.folder, &place.name) {
            Ok(stat) if Identity::of(&stat) == self.identity => Ok((place, stat)),
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Err(Errno::STALE),
            Err(error) => Err(error),
        }
    }
}

impl Host {
    /// The host as this process sees it.
    ///
    /// # Errors
    /// None; other systems have some.
    pub fn here() -> io::Result<Self> {
        let usable = descriptors();
        Ok(Self { folders: Budget::new(usable - usable / 4) })
    }

    /// Opens a directory as the root of a share.
    ///
    /// # Errors
    /// It is none, or not to be had.
    pub fn open_root(path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(CWD, path, flags, Mode::empty())?)
    }

    /// The process's file mode creation mask. There is no way to read it but to set it: whoever
    /// has other threads that make files asks before they do.
    pub(in crate::fs) fn umask(&self) -> io::Result<u32> {
        let mask = rustix::process::umask(Mode::empty());
        rustix::process::umask(mask);
        Ok(native::bits(mask))
    }

    /// Whether two spellings of a name may mean one file. Even a volume that tells case apart
    /// takes composed and decomposed letters for each other.
    pub(in crate::fs) fn folds_names(&self) -> bool {
        true
    }

    /// Whether a node has to be told when the guest moves it ([`Host::met`]).
    pub(in crate::fs) fn follows_names(&self) -> bool {
        true
    }

    /// What flags open a file for reading without changing it: there are none, so that reading
    /// from a read-only share may set times of access.
    pub(in crate::fs) const QUIET: OFlags = OFlags::empty();

    /// Keeps the share's root, opened with `O_DIRECTORY`.
    pub(in crate::fs) fn root(&self, root: OwnedFd) -> Result<(Held, Stat), Errno> {
        let stat = stat_fd(&root)?;
        let folder = Folder { fd: root, device: stat.device, _permit: None };
        Ok((Held::Folder(Arc::new(folder)), stat))
    }

    /// What a node is like now.
    pub(in crate::fs) fn stat(&self, node: &Held) -> Result<Stat, Errno> {
        match node {
            Held::Folder(folder) => stat_fd(&folder.fd),
            Held::Named(named) => named.found().map(|(_, stat)| stat),
        }
    }

    /// What an open file is like now.
    pub(in crate::fs) fn stat_open(&self, file: &OwnedFd) -> Result<Stat, Errno> {
        stat_fd(file)
    }

    /// What a name means, in the spelling that it has.
    pub(in crate::fs) fn find(&self, dir: &Held, name: Name<'_>) -> Result<Stat, Errno> {
        let folder = dir.folder()?;
        let stat = match stat_at(folder, name.as_c_str()) {
            // No name at all to the volume, as it is no UTF-8: so there is nothing.
            Err(error) if is_no_name(error) => return Err(Errno::NOENT),
            other => other?,
        };
        // What is mounted there has a name of its own.
        if stat.device == folder.device && stored_otherwise(&folder.fd, name) {
            return Err(Errno::NOENT);
        }
        Ok(stat)
    }

    /// Keeps what a name means.
    pub(in crate::fs) fn hold(&self, dir: &Held, name: Name<'_>) -> Result<(Held, Stat), Errno> {
        let stat = self.find(dir, name)?;
        let folder = dir.folder()?;
        if stat.kind() == FileType::Directory {
            let permit = self.folders.take()?;
            match open_folder(folder, name.as_c_str()) {
                Ok(fd) => {
                    let stat = stat_fd(&fd)?;
                    let folder = Folder { fd, device: stat.device, _permit: Some(permit) };
                    return Ok((Held::Folder(Arc::new(folder)), stat));
                }
                Err(Errno::ACCESS) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((named(folder, name, &stat), stat))
    }

    /// Keeps a file that was just made and opened at a place.
    pub(in crate::fs) fn hold_made(
        &self,
        file: &OwnedFd,
        place: Option<(&Held, Name<'_>)>,
    ) -> Result<(Held, Stat), Errno> {
        let (dir, name) = place.ok_or(Errno::OPNOTSUPP)?;
        let stat = stat_fd(file)?;
        Ok((named(dir.folder()?, name, &stat), stat))
    }

    /// The guest met a node under this name: from now on it is looked for there.
    pub(in crate::fs) fn met(&self, node: &Held, dir: &Held, name: Name<'_>) {
        if let (Held::Named(named), Held::Folder(folder)) = (node, dir) {
            let mut place = named.place.lock().unwrap_or_else(PoisonError::into_inner);
            if !Arc::ptr_eq(&place.folder, folder) {
                place.folder = Arc::clone(folder);
            }
            if place.name.as_c_str() != name.as_c_str() {
                place.name = name.as_c_str().to_owned();
            }
        }
    }

    /// Opens a node again, for reading or writing this time. The only place where this is done.
    pub(in crate::fs) fn reopen(
        &self,
        node: &Held,
        kind: FileType,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags | NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
        let named = match (node, kind) {
            (Held::Folder(folder), FileType::Directory) => {
                return openat(&folder.fd, c".", flags, Mode::empty());
            }
            (Held::Named(_), FileType::Directory) => return Err(Errno::ACCESS),
            (Held::Named(named), FileType::RegularFile) => named,
            _ => return Err(Errno::OPNOTSUPP),
        };
        // Looked at before, so that nothing else is opened but by a race, and after, so that
        // nothing else is used. Until then nothing is cut.
        let (place, _) = named.found()?;
        let cut = flags.contains(OFlags::TRUNC);
        let flags = (flags - OFlags::TRUNC) | OFlags::NONBLOCK;
        let file = openat(&place.folder.fd, &place.name, flags, Mode::empty())?;
        if Identity::of(&stat_fd(&file)?) != named.identity {
            return Err(Errno::STALE);
        }
        if cut {
            ftruncate(&file, 0)?;
        }
        Ok(file)
    }
}

fn named(folder: &Arc<Folder>, name: Name<'_>, stat: &Stat) -> Held {
    let place = Place { folder: Arc::clone(folder), name: name.as_c_str().to_owned() };
    Held::Named(Named { identity: Identity::of(stat), place: Mutex::new(place) })
}

fn open_folder(folder: &Folder, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let read = OFlags::RDONLY | OFlags::DIRECTORY | flags;
    match openat(&folder.fd, name, read, Mode::empty()) {
        Err(Errno::ACCESS) => openat(&folder.fd, name, SEARCH | flags, Mode::empty()),
        other => other,
    }
}

fn stat_at(folder: &Folder, name: &CStr) -> Result<Stat, Errno> {
    statat(&folder.fd, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| plain(&stat))
}

fn stat_fd(file: &OwnedFd) -> Result<Stat, Errno> {
    fstat(file).map(|stat| plain(&stat))
}

#[cfg(test)]
#[path = "named_test.rs"]
mod tests;
