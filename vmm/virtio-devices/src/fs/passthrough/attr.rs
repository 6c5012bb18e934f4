//! Attributes: asking for them and changing them.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{FileType, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, ftruncate};
use rustix::io::Errno;

use super::Passthrough;
use super::handles::Use;
use super::nodes::Node;
use crate::fs::sys::{Stat, Time};
use crate::fs::wire::{Attr, AttrOut, GetattrIn, SetattrIn, StatxIn, StatxOut, SxTime, flags};

/// Set-user-id and set-group-id.
const SETID: u32 = 0o6000;

impl Passthrough {
    /// Attributes of a node.
    ///
    /// # Errors
    /// The host's, or `EBADF` for a handle of another node.
    pub fn getattr(&mut self, id: u64, request: &GetattrIn) -> Result<AttrOut, Errno> {
        let handle = request.getattr_flags & flags::GETATTR_FH != 0;
        let (node, stat) = self.stat(id, handle.then_some(request.fh))?;
        Ok(self.attr_out(&node, &stat))
    }

    /// Attributes of a node, with its time of birth.
    ///
    /// # Errors
    /// The host's, or `EBADF` for a handle of another node.
    pub fn statx(&mut self, id: u64, request: &StatxIn) -> Result<StatxOut, Errno> {
        let handle = request.getattr_flags & flags::GETATTR_FH != 0;
        let (node, stat) = self.stat(id, handle.then_some(request.fh))?;
        let valid = self.attr_valid(&node);
        let attr = self.attr(&stat);
        Ok(StatxOut {
            attr_valid: valid.as_secs(),
            attr_valid_nsec: valid.subsec_nanos(),
            stat: crate::fs::wire::Statx {
                // All that the protocol knows: the basic ones and the time of birth.
                mask: stat.mask & 0xfff,
                blksize: attr.blksize,
                nlink: attr.nlink,
                uid: attr.uid,
                gid: attr.gid,
                mode: u16::try_from(stat.mode & 0xffff).unwrap_or_default(),
                ino: attr.ino,
                size: attr.size,
                blocks: attr.blocks,
                atime: time(stat.atime),
                btime: time(stat.btime),
                ctime: time(stat.ctime),
                mtime: time(stat.mtime),
                rdev_major: stat.rdev.0,
                rdev_minor: stat.rdev.1,
                ..Default::default()
            },
            ..Default::default()
        })
    }

    fn stat(&self, id: u64, handle: Option<u64>) -> Result<(std::sync::Arc<Node>, Stat), Errno> {
        let node = self.nodes.get(id)?;
        // A handle shows the same file, but must be one of it.
        let file = match (handle, node.kind) {
            (Some(handle), FileType::RegularFile) => {
                Some(self.handles.file(handle, id, Use::Any)?)
            }
            _ => None,
        };
        let stat = match file {
            Some(file) => self.host.stat_open(&file.fd)?,
            None => self.look(&node)?,
        };
        Ok((node, stat))
    }

    /// What a node is like now, also where only an open file still leads to it.
    fn look(&self, node: &Node) -> Result<Stat, Errno> {
        match self.host.stat(&node.held) {
            Err(Errno::STALE) => {
                let file = self.handles.any_file(node.id).ok_or(Errno::STALE)?;
                self.host.stat_open(&file.fd)
            }
            other => other,
        }
    }

    /// Changes attributes: mode, then owner, then size, then times, as chmod(2) and its friends
    /// would one after the other.
    ///
    /// # Errors
    /// The host's; `EPERM` for an owner that the host does not let this user set.
    pub fn setattr(&mut self, id: u64, request: &SetattrIn) -> Result<AttrOut, Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let node = self.nodes.get(id)?;
        let valid = request.valid;
        if valid & flags::setattr::MODE != 0 {
            self.chmod(&node, request.mode)?;
        }
        if valid & (flags::setattr::UID | flags::setattr::GID) != 0 {
            self.chown(&node, request)?;
        }
        if valid & flags::setattr::SIZE != 0 {
            self.truncate(&node, request)?;
        }
        if valid & flags::setattr::KILL_SUIDGID != 0 {
            self.drop_setid_of(&node)?;
        }
        if valid & (flags::setattr::ATIME | flags::setattr::MTIME) != 0 {
            let times = Timestamps {
                last_access: timespec(
                    valid & flags::setattr::ATIME != 0,
                    valid & flags::setattr::ATIME_NOW != 0,
                    request.atime,
                    request.atimensec,
                )?,
                last_modification: timespec(
                    valid & flags::setattr::MTIME != 0,
                    valid & flags::setattr::MTIME_NOW != 0,
                    request.mtime,
                    request.mtimensec,
                )?,
            };
            self.host.set_times(&node.held, &times)?;
        }
        let stat = self.look(&node)?;
        Ok(self.attr_out(&node, &stat))
    }

    /// Sets permissions. The host sees no set-user-id file that came from a guest, and no
    /// set-group-id file; on directories the latter only says which group new files get, and
    /// shared git repositories need it.
    pub(super) fn chmod(&self, node: &Node, mode: u32) -> Result<(), Errno> {
        match node.kind {
            // There are no permissions on a link, and what it points to is not meant.
            FileType::Symlink => Err(Errno::OPNOTSUPP),
            // A device node could be the host's own; its permissions are none of the guest's.
            FileType::CharacterDevice | FileType::BlockDevice => Err(Errno::PERM),
            _ => self.host.chmod(&node.held, permitted(mode, node.kind)),
        }
    }

    fn truncate(&self, node: &Node, request: &SetattrIn) -> Result<(), Errno> {
        if request.valid & flags::setattr::FH != 0 {
            let file = self.handles.file(request.fh, node.id, Use::Write)?;
            return ftruncate(&file.fd, request.size);
        }
        match node.kind {
            FileType::RegularFile => ftruncate(self.reopen(node, OFlags::WRONLY)?, request.size),
            FileType::Directory => Err(Errno::ISDIR),
            _ => Err(Errno::INVAL),
        }
    }

    /// Clears the set-user-id and set-group-id bits of a file that is written to. The kernel
    /// does so itself unless this process is privileged.
    pub(super) fn drop_setid(&self, fd: &OwnedFd) -> Result<(), Errno> {
        if !self.keeps_setuid {
            return Ok(());
        }
        match without_setid(&self.host.stat_open(fd)?) {
            Some(mode) => self.host.chmod_open(fd, mode),
            None => Ok(()),
        }
    }

    fn drop_setid_of(&self, node: &Node) -> Result<(), Errno> {
        if !self.keeps_setuid {
            return Ok(());
        }
        match without_setid(&self.host.stat(&node.held)?) {
            Some(mode) => self.host.chmod(&node.held, mode),
            None => Ok(()),
        }
    }

    /// Setting an owner to what it is already succeeds for anybody, as tools expect that copy
    /// attributes. Everything else is for the host to decide.
    fn chown(&self, node: &Node, request: &SetattrIn) -> Result<(), Errno> {
        let stat = self.host.stat(&node.held)?;
        let uid = (request.valid & flags::setattr::UID != 0 && request.uid != stat.uid)
            .then(|| owner(request.uid))
            .transpose()?;
        let gid = (request.valid & flags::setattr::GID != 0 && request.gid != stat.gid)
            .then(|| owner(request.gid))
            .transpose()?;
        if uid.is_none() && gid.is_none() {
            return Ok(());
        }
        match self.host.chown(&node.held, uid, gid) {
            // In a user namespace: an id that does not exist there.
            Err(Errno::INVAL) => Err(Errno::PERM),
            other => other,
        }
    }

    /// For how long attributes of the node may be believed.
    fn attr_valid(&self, node: &Node) -> Duration {
        match node.kind {
            FileType::Directory => self.cache.directory,
            _ => self.cache.attributes,
        }
    }

    fn attr_out(&mut self, node: &Node, stat: &Stat) -> AttrOut {
        let valid = self.attr_valid(node);
        AttrOut {
            attr_valid: valid.as_secs(),
            attr_valid_nsec: valid.subsec_nanos(),
            dummy: 0,
            attr: self.attr(stat),
        }
    }

    pub(super) fn attr(&mut self, stat: &Stat) -> Attr {
        Attr {
            ino: self.inode_number(stat.device, stat.ino),
            size: stat.size,
            blocks: stat.blocks,
            atime: unsigned(stat.atime.sec),
            mtime: unsigned(stat.mtime.sec),
            ctime: unsigned(stat.ctime.sec),
            atimensec: stat.atime.nsec,
            mtimensec: stat.mtime.nsec,
            ctimensec: stat.ctime.nsec,
            mode: stat.mode,
            nlink: stat.nlink,
            uid: stat.uid,
            gid: stat.gid,
            rdev: device_number(stat.rdev.0, stat.rdev.1),
            blksize: stat.blksize,
            flags: 0,
        }
    }

    /// The guest sees one device, so files of other devices get their number mixed in: two
    /// files with the same number would be taken for one.
    pub(super) fn inode_number(&mut self, device: (u32, u32), ino: u64) -> u64 {
        let known = self.devices.iter().position(|known| *known == device);
        let index = known.unwrap_or_else(|| {
            if self.devices.len() < 255 {
                self.devices.push(device);
                self.devices.len() - 1
            } else {
                255
            }
        });
        ino ^ (u64::try_from(index).unwrap_or_default() << 56)
    }
}

/// Permissions that a guest may give to a file.
pub(super) fn permitted(mode: u32, kind: FileType) -> u32 {
    match kind {
        FileType::Directory => mode & 0o3777,
        _ => mode & 0o1777,
    }
}

/// The permissions of a regular file without the set-user-id and set-group-id bits, if it has any.
fn without_setid(stat: &Stat) -> Option<u32> {
    let set = stat.mode & SETID != 0 && stat.kind() == FileType::RegularFile;
    set.then_some(stat.mode & 0o1777)
}

/// The id that means "leave it" is no owner.
fn owner(id: u32) -> Result<u32, Errno> {
    if id == u32::MAX {
        return Err(Errno::INVAL);
    }
    Ok(id)
}

fn timespec(set: bool, now: bool, seconds: u64, nanoseconds: u32) -> Result<Timespec, Errno> {
    let tv_nsec = match (set, now) {
        (false, _) => UTIME_OMIT,
        (true, true) => UTIME_NOW,
        (true, false) if nanoseconds < 1_000_000_000 => nanoseconds.into(),
        _ => return Err(Errno::INVAL),
    };
    Ok(Timespec {
        // Times before 1970 have the sign bit set.
        tv_sec: i64::from_ne_bytes(seconds.to_ne_bytes()),
        tv_nsec,
    })
}

fn time(stamp: Time) -> SxTime {
    SxTime { sec: stamp.sec, nsec: stamp.nsec, reserved: 0 }
}

/// Times before 1970 travel with the sign bit set.
fn unsigned(seconds: i64) -> u64 {
    u64::from_ne_bytes(seconds.to_ne_bytes())
}

/// Device numbers as the kernel puts them into 32 bits.
fn device_number(major: u32, minor: u32) -> u32 {
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

#[cfg(test)]
#[path = "attr_test.rs"]
mod tests;
