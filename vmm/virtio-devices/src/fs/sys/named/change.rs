//! Making, changing and removing files.
//!
//! What has no descriptor is changed by its name beside its directory's descriptor, after a look
//! at whether it is still there, and without following a link. Should the host put another file
//! there in between, that one is changed: it is in the share as well, and the guest may change it.

use std::os::fd::OwnedFd;

use rustix::fs::{
    Access, AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timestamps, Uid, accessat, chownat,
    fchmod, fchown, futimens, linkat, mkdirat, openat, readlinkat_raw, renameat, renameat_with,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::{Held, Host, Identity, NOFOLLOW, native, stat_at, stored_otherwise};
use crate::fs::name::{Name, Target};
use crate::fs::sys::raw_mode;

impl Host {
    /// Makes and opens a regular file where there is nothing.
    pub(in crate::fs) fn create(
        &self,
        dir: &Held,
        name: Name<'_>,
        flags: OFlags,
        mode: u32,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags
            | OFlags::CREATE
            | OFlags::EXCL
            | NOFOLLOW
            | OFlags::CLOEXEC
            | OFlags::NOCTTY
            | OFlags::NONBLOCK;
        openat(&dir.folder()?.fd, name.as_c_str(), flags, permissions(mode))
    }

    /// There are no files without a name: programs make one and remove it.
    pub(in crate::fs) fn tmpfile(
        &self,
        _dir: &Held,
        _flags: OFlags,
        _exclusive: bool,
        _mode: u32,
    ) -> Result<OwnedFd, Errno> {
        Err(Errno::OPNOTSUPP)
    }

    /// Makes a directory.
    pub(in crate::fs) fn mkdir(&self, dir: &Held, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        mkdirat(&dir.folder()?.fd, name.as_c_str(), permissions(mode))
    }

    /// Makes a regular file or a FIFO. Sockets are only made here by binding one, for which a name
    /// has to be a path: `EPERM`, as from any file system that has no such files.
    pub(in crate::fs) fn mknod(
        &self,
        dir: &Held,
        name: Name<'_>,
        kind: FileType,
        mode: u32,
    ) -> Result<(), Errno> {
        match kind {
            FileType::RegularFile => self.create(dir, name, OFlags::WRONLY, mode).map(drop),
            FileType::Fifo => native::make_fifo(&dir.folder()?.fd, name, permissions(mode)),
            _ => Err(Errno::PERM),
        }
    }

    /// Makes a symbolic link.
    pub(in crate::fs) fn symlink(
        &self,
        target: Target<'_>,
        dir: &Held,
        name: Name<'_>,
    ) -> Result<(), Errno> {
        symlinkat(target.as_c_str(), &dir.folder()?.fd, name.as_c_str())
    }

    /// Gives a node one more name.
    pub(in crate::fs) fn link(&self, node: &Held, dir: &Held, name: Name<'_>) -> Result<(), Errno> {
        let Held::Named(named) = node else {
            return Err(Errno::PERM);
        };
        let (place, _) = named.found()?;
        let (folder, flags) = (dir.folder()?, AtFlags::empty());
        linkat(&place.folder.fd, &place.name, &folder.fd, name.as_c_str(), flags)
    }

    /// Removes a name: of an empty directory, or of anything else.
    pub(in crate::fs) fn unlink(
        &self,
        dir: &Held,
        name: Name<'_>,
        directory: bool,
    ) -> Result<(), Errno> {
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        unlinkat(&dir.folder()?.fd, name.as_c_str(), flags)
    }

    /// Moves a name, or exchanges two, or moves it only to where nothing is. A name that is there
    /// in another case is another file to the guest, which it does not know of: it stays, unless
    /// it is the very file that is to be renamed.
    pub(in crate::fs) fn rename(
        &self,
        (dir, from): (&Held, Name<'_>),
        (new, to): (&Held, Name<'_>),
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let (dir, new) = (dir.folder()?, new.folder()?);
        if !flags.is_empty() {
            return renameat_with(&dir.fd, from.as_c_str(), &new.fd, to.as_c_str(), flags);
        }
        if let Ok(there) = stat_at(new, to.as_c_str()) {
            if stored_otherwise(&new.fd, to) {
                let moved = stat_at(dir, from.as_c_str())?;
                if Identity::of(&moved) != Identity::of(&there) {
                    return Err(Errno::EXIST);
                }
            }
        }
        renameat(&dir.fd, from.as_c_str(), &new.fd, to.as_c_str())
    }

    /// The text of a symbolic link; returns how many bytes of `text` it fills.
    pub(in crate::fs) fn read_link(&self, node: &Held, text: &mut [u8]) -> Result<usize, Errno> {
        let Held::Named(named) = node else {
            return Err(Errno::INVAL);
        };
        let (place, _) = named.found()?;
        readlinkat_raw(&place.folder.fd, &place.name, text)
    }

    /// Sets the permissions of anything but a link.
    pub(in crate::fs) fn chmod(&self, node: &Held, mode: u32) -> Result<(), Errno> {
        match node {
            Held::Folder(folder) => fchmod(&folder.fd, permissions(mode)),
            Held::Named(named) => {
                let (place, _) = named.found()?;
                native::chmod(&place.folder.fd, &place.name, permissions(mode))
            }
        }
    }

    /// Sets the permissions of an open file.
    pub(in crate::fs) fn chmod_open(&self, file: &OwnedFd, mode: u32) -> Result<(), Errno> {
        fchmod(file, permissions(mode))
    }

    /// Sets the owner.
    pub(in crate::fs) fn chown(
        &self,
        node: &Held,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Result<(), Errno> {
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match node {
            Held::Folder(folder) => fchown(&folder.fd, uid, gid),
            Held::Named(named) => {
                let (place, _) = named.found()?;
                chownat(&place.folder.fd, &place.name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Sets the times, of a link those of the link itself.
    pub(in crate::fs) fn set_times(&self, node: &Held, times: &Timestamps) -> Result<(), Errno> {
        match node {
            Held::Folder(folder) => futimens(&folder.fd, times),
            Held::Named(named) => {
                let (place, _) = named.found()?;
                utimensat(&place.folder.fd, &place.name, times, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Whether this process may do something with a node.
    pub(in crate::fs) fn access(&self, node: &Held, access: Access) -> Result<(), Errno> {
        match node {
            Held::Folder(folder) => accessat(&folder.fd, c".", access, AtFlags::EACCESS),
            Held::Named(named) => {
                let (place, _) = named.found()?;
                let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
                accessat(&place.folder.fd, &place.name, access, flags)
            }
        }
    }
}

fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(raw_mode(mode))
}
