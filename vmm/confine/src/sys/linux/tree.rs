//! A root put together from descriptors.
//!
//! The caller's descriptors belong to mounts of the host's namespace, and the kernel copies a
//! mount only within its namespace. So there are two ways to a copy of exactly what the caller
//! opened:
//!
//! - Root copies by descriptor, before it leaves the host's namespaces ([`Parts::take`]). No path
//!   is looked up, so it does not matter what folders the file lies below.
//! - An ordinary user may copy nothing there. In the new namespaces, where it may, it looks the
//!   descriptor's path up once more and takes it if it is the same inode ([`Parts::copy_rest`]).
//!   It is the same user still, and reaches what it reached before.
//!
//! The copies become the root's parts once the process is who it will be ([`Parts::build`]).

use std::{
    ffi::CString,
    fs,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, mkdirat, openat, openat2, symlinkat},
    io::Errno,
};

use super::{
    mounts,
    tree_rules::{Access, Grant},
};
use crate::{Entry, Error, Result, What};

/// The parts of a root on their way into it.
pub(super) struct Parts(Vec<Part>);

struct Part {
    at: PathBuf,
    held: Held,
}

enum Held {
    /// Something of the host's, still by the caller's descriptor.
    Named {
        fd: OwnedFd,
        path: PathBuf,
        kind: Kind,
    },
    /// Its copy, not attached anywhere.
    Copy {
        tree: OwnedFd,
        folder: bool,
        access: Access,
    },
    Link(PathBuf),
    Scratch {
        bytes: u64,
    },
    Processes {
        names: bool,
    },
}

/// What a descriptor is to become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Libraries,
    Execute,
    Device,
    Write,
}

/// What was built.
pub(super) struct Built {
    pub(super) grants: Vec<Grant>,
    /// Why there is no /proc, if one was wished.
    pub(super) no_processes: Option<String>,
}

impl Parts {
    /// Takes `entries`, and copies what may be copied already.
    pub(super) fn take(entries: Vec<Entry>) -> Result<Self> {
        let mut parts = entries.into_iter().map(Part::new).collect::<Result<Vec<_>>>()?;
        // What lies below another part comes after it.
        parts.sort_by_key(|part| part.at.components().count());
        for part in &mut parts {
            part.copy(|fd, _| match mounts::copy_of(fd.as_fd()) {
                Ok(tree) => Ok(Some(tree)),
                Err(Errno::PERM) => Ok(None),
                Err(errno) => Err(errno),
            })?;
        }
        Ok(Self(parts))
    }

    /// Copies the rest by path, in the new mount namespace.
    pub(super) fn copy_rest(&mut self) -> Result<()> {
        for part in &mut self.0 {
            part.copy(|_, path| {
                mounts::copy(&CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?)
                    .map(Some)
            })?;
        }
        Ok(())
    }

    /// Puts the parts into `root`, the working folder.
    pub(super) fn build(self, root: &OwnedFd) -> Result<Built> {
        let mut built = Built { grants: Vec::new(), no_processes: None };
        for Part { at, held } in self.0 {
            let part = |errno: Errno| broken(&at, &std::io::Error::from(errno).to_string());
            let relative = at.strip_prefix("/").unwrap_or(&at);
            let access = match held {
                Held::Named { .. } => return Err(broken(&at, "it was not copied")),
                Held::Link(target) => {
                    make_above(root, relative).map_err(part)?;
                    symlinkat(&target, root, relative).map_err(part)?;
                    continue;
                }
                Held::Copy { tree, folder, access } => {
                    put(&tree, root, relative, folder).map_err(part)?;
                    access
                }
                Held::Scratch { bytes } => {
                    let size = CString::new(bytes.to_string()).map_err(|_| part(Errno::INVAL))?;
                    let tree = mounts::scratch(&size).map_err(part)?;
                    put(&tree, root, relative, true).map_err(part)?;
                    Access::Write
                }
                Held::Processes { names } => {
                    let tree = match mounts::processes(names) {
                        Ok(tree) => tree,
                        // The kernel makes no /proc that shows more than the one that is there.
                        Err(Errno::PERM) => {
                            built.no_processes =
                                Some("/proc, which the kernel refuses in a container".to_owned());
                            continue;
                        }
                        Err(errno) => return Err(part(errno)),
                    };
                    put(&tree, root, relative, true).map_err(part)?;
                    Access::Processes { names }
                }
            };
            built.grants.push(Grant { at, access });
        }
        Ok(built)
    }
}

/// The descriptors of `entries`.
pub(super) fn descriptors(entries: &[Entry]) -> impl Iterator<Item = i32> {
    entries.iter().filter_map(|entry| match &entry.what {
        What::Read(fd)
        | What::Libraries(fd)
        | What::Execute(fd)
        | What::Device(fd)
        | What::Write(fd) => Some(fd.as_raw_fd()),
        What::Link(_) | What::Scratch { .. } | What::Processes { .. } => None,
    })
}

impl Part {
    fn new(entry: Entry) -> Result<Self> {
        let Entry { at, what } = entry;
        let mut components = at.components();
        let plain = components.next() == Some(Component::RootDir)
            && components.clone().next().is_some()
            && components.all(|component| matches!(component, Component::Normal(_)));
        if !plain {
            return Err(broken(&at, "it is no absolute path below the root"));
        }
        let named = |fd: OwnedFd, kind| {
            let path = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
                .map_err(|error| broken(&at, &error.to_string()))?;
            Ok::<_, Error>(Held::Named { fd, path, kind })
        };
        let held = match what {
            What::Read(fd) => named(fd, Kind::Read)?,
            What::Libraries(fd) => named(fd, Kind::Libraries)?,
            What::Execute(fd) => named(fd, Kind::Execute)?,
            What::Device(fd) => named(fd, Kind::Device)?,
            What::Write(fd) => named(fd, Kind::Write)?,
            What::Link(target) => Held::Link(target),
            What::Scratch { bytes } => Held::Scratch { bytes },
            What::Processes { names } => Held::Processes { names },
        };
        Ok(Self { at, held })
    }

    /// Makes a copy of what is still named, with `copy`, and restricts it. `None` leaves it.
    fn copy(
        &mut self,
        copy: impl FnOnce(&OwnedFd, &Path) -> std::result::Result<Option<OwnedFd>, Errno>,
    ) -> Result<()> {
        let Held::Named { fd, path, kind } = &self.held else { return Ok(()) };
        let said = |errno: Errno| broken(&self.at, &std::io::Error::from(errno).to_string());
        let opened = fstat(fd).map_err(said)?;
        let access = kind.access(&opened).map_err(|why| broken(&self.at, why))?;
        let Some(tree) = copy(fd, path).map_err(said)? else { return Ok(()) };
        let copied = fstat(&tree).map_err(said)?;
        if (copied.st_dev, copied.st_ino) != (opened.st_dev, opened.st_ino) {
            return Err(broken(&self.at, "its path leads to another file now"));
        }
        mounts::restrict_and_part(&tree, kind.attributes())
            .map_err(|error| broken(&self.at, &error.to_string()))?;
        let folder = matches!(access, Access::Folder | Access::Write);
        self.held = Held::Copy { tree, folder, access };
        Ok(())
    }
}

impl Kind {
    /// What landlock is to grant, if the file is of a type that this may be.
    fn access(self, stat: &Stat) -> std::result::Result<Access, &'static str> {
        match (self, FileType::from_raw_mode(stat.st_mode)) {
            (Self::Read | Self::Libraries, FileType::RegularFile) => Ok(Access::File),
            (Self::Read | Self::Libraries, FileType::Directory) => Ok(Access::Folder),
            (Self::Read | Self::Libraries, _) => Err("it is neither file nor folder"),
            (Self::Execute, FileType::RegularFile) => Ok(Access::Execute),
            (Self::Execute, _) => Err("it is no regular file"),
            (Self::Device, FileType::CharacterDevice) => Ok(Access::Device),
            (Self::Device, _) => Err("it is no character device"),
            (Self::Write, FileType::Directory) => Ok(Access::Write),
            (Self::Write, _) => Err("it is no folder"),
        }
    }

    /// What its mount does not do.
    fn attributes(self) -> u64 {
        let (only_read, no_devices, no_code) =
            (libc::MOUNT_ATTR_RDONLY, libc::MOUNT_ATTR_NODEV, libc::MOUNT_ATTR_NOEXEC);
        libc::MOUNT_ATTR_NOSUID
            | match self {
                Self::Read => only_read | no_devices | no_code,
                Self::Libraries | Self::Execute => only_read | no_devices,
                Self::Device => no_code,
                Self::Write => no_devices | no_code,
            }
    }
}

/// Attaches `tree` at `path` below `root`: on what another part has there, or on something made
/// for it.
fn put(
    tree: &OwnedFd,
    root: &OwnedFd,
    path: &Path,
    folder: bool,
) -> std::result::Result<(), Errno> {
    // A link on the way would be looked up in the root that is about to be left.
    let find = || {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat2(root, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH)
    };
    let place = match find() {
        Err(Errno::NOENT) => {
            make_above(root, path)?;
            if folder {
                mkdirat(root, path, Mode::from_raw_mode(0o755))?;
            } else {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                openat(root, path, flags, Mode::from_raw_mode(0o444))?;
            }
            find()?
        }
        found => found?,
    };
    mounts::attach_on(tree, &place)
}

/// Makes the folders above `path`.
fn make_above(root: &OwnedFd, path: &Path) -> std::result::Result<(), Errno> {
    let mut above = PathBuf::new();
    for component in path.parent().into_iter().flat_map(Path::components) {
        above.push(component);
        match mkdirat(root, &above, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            // Another part's folder: what is not there is missed when it is opened.
            Err(Errno::ROFS) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn broken(at: &Path, why: &str) -> Error {
    Error::Part { at: at.to_owned(), why: why.to_owned() }
}
