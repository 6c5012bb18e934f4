//! Making, changing and removing files on Linux.

use std::os::fd::OwnedFd;

use rustix::fs::{
    Access, AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timestamps, Uid, accessat, chmodat,
    chownat, linkat, mkdirat, mknodat, openat, openat2, readlinkat_raw, renameat, renameat_with,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::{Held, Host, RESOLVE};
use crate::fs::name::{Name, Target};

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
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC
            | OFlags::NOCTTY
            | OFlags::NONBLOCK;
        openat2(&dir.0, name.as_c_str(), flags, Mode::from_raw_mode(mode), RESOLVE)
    }

    /// Makes and opens a regular file without a name, which may get one later unless `exclusive`.
    pub(in crate::fs) fn tmpfile(
        &self,
        dir: &Held,
        flags: OFlags,
        exclusive: bool,
        mode: u32,
    ) -> Result<OwnedFd, Errno> {
        let exclusive = if exclusive { OFlags::EXCL } else { OFlags::empty() };
        let flags = (flags - OFlags::TRUNC) | exclusive | OFlags::TMPFILE | OFlags::CLOEXEC;
        openat(&dir.0, c".", flags, Mode::from_raw_mode(mode))
    }

    /// Makes a directory.
    pub(in crate::fs) fn mkdir(&self, dir: &Held, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        mkdirat(&dir.0, name.as_c_str(), Mode::from_raw_mode(mode))
    }

    /// Makes a regular file, a FIFO or a socket.
    pub(in crate::fs) fn mknod(
        &self,
        dir: &Held,
        name: Name<'_>,
        kind: FileType,
        mode: u32,
    ) -> Result<(), Errno> {
        mknodat(&dir.0, name.as_c_str(), kind, Mode::from_raw_mode(mode), 0)
    }

    /// Makes a symbolic link.
    pub(in crate::fs) fn symlink(
        &self,
        target: Target<'_>,
        dir: &Held,
        name: Name<'_>,
    ) -> Result<(), Errno> {
        symlinkat(target.as_c_str(), &dir.0, name.as_c_str())
    }

    /// Gives a node one more name.
    pub(in crate::fs) fn link(&self, node: &Held, dir: &Held, name: Name<'_>) -> Result<(), Errno> {
        // The link in /proc is followed, to the node itself and no further: an empty path
        // instead would need a privilege.
        let from = DecInt::from_fd(&node.0);
        linkat(&self.proc_self_fd, from, &dir.0, name.as_c_str(), AtFlags::SYMLINK_FOLLOW)
    }

    /// Removes a name: of an empty directory, or of anything else.
    pub(in crate::fs) fn unlink(
        &self,
        dir: &Held,
        name: Name<'_>,
        directory: bool,
    ) -> Result<(), Errno> {
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        unlinkat(&dir.0, name.as_c_str(), flags)
    }

    /// Moves a name, or exchanges two, or moves it only to where nothing is.
    pub(in crate::fs) fn rename(
        &self,
        (dir, from): (&Held, Name<'_>),
        (new, to): (&Held, Name<'_>),
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        if flags.is_empty() {
            return renameat(&dir.0, from.as_c_str(), &new.0, to.as_c_str());
        }
        renameat_with(&dir.0, from.as_c_str(), &new.0, to.as_c_str(), flags)
    }

    /// The text of a symbolic link; returns how many bytes of `text` it fills.
    pub(in crate::fs) fn read_link(&self, node: &Held, text: &mut [u8]) -> Result<usize, Errno> {
        readlinkat_raw(&node.0, c"", text)
    }

    /// Sets the permissions of anything but a link.
    pub(in crate::fs) fn chmod(&self, node: &Held, mode: u32) -> Result<(), Errno> {
        self.chmod_open(&node.0, mode)
    }

    /// Sets the permissions of an open file.
    pub(in crate::fs) fn chmod_open(&self, file: &OwnedFd, mode: u32) -> Result<(), Errno> {
        let (name, mode) = (DecInt::from_fd(file), Mode::from_raw_mode(mode));
        chmodat(&self.proc_self_fd, name, mode, AtFlags::empty())
    }

    /// Sets the owner.
    pub(in crate::fs) fn chown(
        &self,
        node: &Held,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Result<(), Errno> {
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        chownat(&node.0, c"", uid, gid, AtFlags::EMPTY_PATH)
    }

    /// Sets the times, of a link those of the link itself.
    pub(in crate::fs) fn set_times(&self, node: &Held, times: &Timestamps) -> Result<(), Errno> {
        utimensat(&node.0, c"", times, AtFlags::EMPTY_PATH)
    }

    /// Whether this process may do something with a node.
    pub(in crate::fs) fn access(&self, node: &Held, access: Access) -> Result<(), Errno> {
        accessat(&self.proc_self_fd, DecInt::from_fd(&node.0), access, AtFlags::EACCESS)
    }
}
