//! Making files, directories and links.
//!
//! Modes come with the guest's umask taken off already (`FUSE_DONT_MASK` is not negotiated). The
//! worker of a process of its own runs with an empty mask; where the device shares a process,
//! what that process's mask took away is put back.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::Passthrough;
use super::attr::permitted;
use super::lookup::Source;
use super::nodes::Node;
use super::open::host_flags;
use super::policy::Intent;
use crate::fs::name::{Name, Target};
use crate::fs::sys::{Stat, raw_mode};
use crate::fs::wire::{CreateIn, EntryOut, MkdirIn, MknodIn, OpenOut, flags};

impl Passthrough {
    /// Makes and opens a regular file. A file that is there already is opened, unless the
    /// request says `O_EXCL`.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn create(
        &mut self,
        parent: u64,
        request: &CreateIn,
        name: Name<'_>,
    ) -> Result<(EntryOut, OpenOut), Errno> {
        let parent = self.changing(parent, name)?;
        let flags = host_flags(request.flags, self.read_only())?;
        let handle_permit = self.handles.permit()?;
        let node_permit = self.nodes.permit()?;
        // Always exclusive: what is there already may be a FIFO or a device node, which only
        // `open_node` tells from a file.
        let mode = permitted(request.mode, FileType::RegularFile);
        let fd = match self.host.create(&parent.held, name, flags, mode) {
            Err(Errno::EXIST) if request.flags & flags::open::EXCL == 0 => {
                let (node, stat) = match self.resolve(&parent, name) {
                    // What is there has another spelling, which the guest is to see.
                    Err(Errno::NOENT) if self.host.folds_names() => return Err(Errno::EXIST),
                    other => other?,
                };
                let opened = self.open_existing(&node, stat, flags, request.open_flags);
                return self.told_if(&node, opened);
            }
            other => other?,
        };
        let place = Some((&*parent, name));
        let (node, stat) = self.made(&fd, place, request.mode, node_permit)?;
        let open = OpenOut {
            fh: self.handles.add_file(node.id, fd, flags, handle_permit),
            ..OpenOut::default()
        };
        Ok((self.entry(&node, &stat, Source::Name), open))
    }

    /// Opens what [`Passthrough::create`] found in its place.
    fn open_existing(
        &mut self,
        node: &Arc<Node>,
        stat: Stat,
        flags: OFlags,
        open_flags: u32,
    ) -> Result<(EntryOut, OpenOut), Errno> {
        let open = match node.kind {
            FileType::Symlink => return Err(Errno::LOOP),
            FileType::Directory => return Err(Errno::ISDIR),
            _ => self.open_node(node, flags, open_flags)?,
        };
        // It may have been cut just now.
        let cut = flags.contains(OFlags::TRUNC);
        let stat = if cut { self.host.stat(&node.held)? } else { stat };
        Ok((self.entry(node, &stat, Source::Name), open))
    }

    /// Lets go of a node that the guest was not told of after all, so that it never has to
    /// forget it.
    fn told_if<T>(&mut self, node: &Node, result: Result<T, Errno>) -> Result<T, Errno> {
        if result.is_err() {
            self.forget(node.id, 0);
        }
        result
    }

    /// Makes and opens a regular file without a name (`O_TMPFILE`). It may get one later,
    /// through [`Passthrough::link`].
    ///
    /// # Errors
    /// The host's; `EOPNOTSUPP` where the host's file system cannot; `EROFS` in a read-only
    /// share.
    pub fn tmpfile(
        &mut self,
        parent: u64,
        request: &CreateIn,
    ) -> Result<(EntryOut, OpenOut), Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let parent = self.directory(parent)?;
        let flags = host_flags(request.flags, false)?;
        let handle_permit = self.handles.permit()?;
        let node_permit = self.nodes.permit()?;
        let exclusive = request.flags & flags::open::EXCL != 0;
        let mode = permitted(request.mode, FileType::RegularFile);
        let fd = self.host.tmpfile(&parent.held, flags, exclusive, mode)?;
        let (node, stat) = self.made(&fd, None, request.mode, node_permit)?;
        let open = OpenOut {
            fh: self.handles.add_file(node.id, fd, flags, handle_permit),
            ..OpenOut::default()
        };
        Ok((self.entry(&node, &stat, Source::Name), open))
    }

    /// The node of a file that was just made.
    fn made(
        &mut self,
        fd: &OwnedFd,
        place: Option<(&Node, Name<'_>)>,
        mode: u32,
        permit: super::limits::Permit,
    ) -> Result<(Arc<Node>, Stat), Errno> {
        let place = place.map(|(parent, name)| (&parent.held, name));
        let (held, stat) = self.host.hold_made(fd, place)?;
        let node = self.nodes.insert(held, &stat, permit);
        let settled = self.settle(&node, stat, mode);
        Ok((Arc::clone(&node), self.told_if(&node, settled)?))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn mkdir(
        &mut self,
        parent: u64,
        request: &MkdirIn,
        name: Name<'_>,
    ) -> Result<EntryOut, Errno> {
        let parent = self.changing(parent, name)?;
        self.host.mkdir(&parent.held, name, permitted(request.mode, FileType::Directory))?;
        self.entry_of_new(&parent, name, Some(request.mode))
    }

    /// Makes a regular file, a FIFO or a socket. The latter two only matter to the guest's own
    /// kernel: nothing here opens them, and programs such as ssh and gpg-agent want them in the
    /// workspace. Device nodes are refused, whoever asks.
    ///
    /// # Errors
    /// The host's; `EPERM` for other kinds; `EROFS` in a read-only share.
    pub fn mknod(
        &mut self,
        parent: u64,
        request: &MknodIn,
        name: Name<'_>,
    ) -> Result<EntryOut, Errno> {
        let parent = self.changing(parent, name)?;
        let kind = match FileType::from_raw_mode(raw_mode(request.mode)) {
            FileType::RegularFile => FileType::RegularFile,
            FileType::Fifo => FileType::Fifo,
            FileType::Socket => FileType::Socket,
            _ => return Err(Errno::PERM),
        };
        self.host.mknod(&parent.held, name, kind, permitted(request.mode, kind))?;
        self.entry_of_new(&parent, name, Some(request.mode))
    }

    /// Makes a symbolic link. The host never follows it.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn symlink(
        &mut self,
        parent: u64,
        name: Name<'_>,
        target: Target<'_>,
    ) -> Result<EntryOut, Errno> {
        let parent = self.changing(parent, name)?;
        self.host.symlink(target, &parent.held, name)?;
        self.entry_of_new(&parent, name, None)
    }

    fn entry_of_new(
        &mut self,
        parent: &Node,
        name: Name<'_>,
        mode: Option<u32>,
    ) -> Result<EntryOut, Errno> {
        self.policy.check(parent, name, Intent::See)?;
        let (node, mut stat) = self.resolve_new(parent, name)?;
        if let Some(mode) = mode {
            let settled = self.settle(&node, stat, mode);
            stat = self.told_if(&node, settled)?;
        }
        Ok(self.entry(&node, &stat, Source::Name))
    }

    /// Puts back what the process's umask took from a new file's mode. Where something else
    /// changed the mode, such as a default access control list, it stays.
    fn settle(&mut self, node: &Node, stat: Stat, mode: u32) -> Result<Stat, Errno> {
        let wanted = permitted(mode, node.kind);
        let got = stat.mode & 0o7777;
        // A new directory in one with the set-group-id bit has it, too.
        let inherited = got & !wanted & 0o2000;
        if self.umask == 0 || wanted & self.umask == 0 || got != (wanted & !self.umask) | inherited
        {
            return Ok(stat);
        }
        self.chmod(node, wanted | inherited)?;
        self.host.stat(&node.held)
    }
}

#[cfg(test)]
#[path = "create_test.rs"]
mod tests;
