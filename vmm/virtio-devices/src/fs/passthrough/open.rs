//! Opening and closing.

use std::sync::Arc;

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use super::Passthrough;
use super::nodes::{Node, Stamp};
use crate::fs::sys::{Host, Listing, now};
use crate::fs::wire::{FlushIn, OpenIn, OpenOut, ReleaseIn, flags};

/// The flags to open with on the host, from the guest's ([`flags::open`]). What is not here is either the guest kernel's
/// affair (`O_CREAT`, `O_EXCL`, `O_DIRECTORY`, `O_NOFOLLOW`), set here anyway (`O_CLOEXEC`), or
/// not wanted: `O_DIRECT` needs buffers aligned as guest memory is not, `O_ASYNC` and
/// `O_PATH` make no sense, `O_NOATIME` fails for files of others.
pub(super) fn host_flags(guest: u32, read_only: bool) -> Result<OFlags, Errno> {
    let has = |flag: u32| guest & flag == flag;
    let mut host = match guest & flags::open::ACCMODE {
        0 => OFlags::RDONLY,
        flags::open::WRONLY => OFlags::WRONLY,
        flags::open::RDWR => OFlags::RDWR,
        _ => return Err(Errno::INVAL),
    };
    if read_only && (host != OFlags::RDONLY || has(flags::open::TRUNC)) {
        return Err(Errno::ROFS);
    }
    host.set(OFlags::APPEND, has(flags::open::APPEND));
    host.set(OFlags::TRUNC, has(flags::open::TRUNC));
    host.set(OFlags::DSYNC, has(flags::open::DSYNC));
    if has(flags::open::SYNC) {
        host |= OFlags::SYNC;
    }
    Ok(host)
}

impl Passthrough {
    /// Opens a regular file.
    ///
    /// # Errors
    /// The host's; `EOPNOTSUPP` for what is neither file nor directory; `EROFS` for writing in
    /// a read-only share.
    pub fn open(&mut self, id: u64, request: &OpenIn) -> Result<OpenOut, Errno> {
        let flags = host_flags(request.flags, self.read_only())?;
        let node = self.nodes.get(id)?;
        if node.kind == FileType::Directory {
            return Err(Errno::ISDIR);
        }
        self.open_node(&node, flags, request.open_flags)
    }

    pub(super) fn open_node(
        &mut self,
        node: &Arc<Node>,
        flags: OFlags,
        open_flags: u32,
    ) -> Result<OpenOut, Errno> {
        let permit = self.handles.permit()?;
        // Reading must not change a read-only share; only owners may ask for that.
        let quiet = self.read_only();
        let fd = match self.reopen(node, with(flags, Host::QUIET, quiet)) {
            Err(Errno::PERM) if quiet => self.reopen(node, flags)?,
            other => other?,
        };
        if flags.contains(OFlags::TRUNC) && open_flags & flags::OPEN_KILL_SUIDGID != 0 {
            self.drop_setid(&fd)?;
        }
        let keep = !flags.contains(OFlags::TRUNC) && self.unchanged(node)?;
        Ok(OpenOut {
            fh: self.handles.add_file(node.id, fd, flags, permit),
            open_flags: if keep { flags::open_reply::KEEP_CACHE } else { 0 },
            backing_id: 0,
        })
    }

    /// Whether the file is what it was when the guest last opened it, so that its cached pages
    /// are still good. A file that changed within the last seconds may change again without its
    /// times showing it, and counts as changed.
    fn unchanged(&mut self, node: &Node) -> Result<bool, Errno> {
        let stamp = Stamp::of(&self.host.stat(&node.held)?);
        let stamp = (!stamp.is_fresh(now())).then_some(stamp);
        Ok(self.nodes.unchanged(node.id, stamp))
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// The host's, or `ENOTDIR`.
    pub fn opendir(&mut self, id: u64) -> Result<OpenOut, Errno> {
        let node = self.directory(id)?;
        let permit = self.handles.permit()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let quiet = self.read_only();
        let fd = match self.reopen(&node, with(flags, Host::QUIET, quiet)) {
            Err(Errno::PERM) if quiet => self.reopen(&node, flags)?,
            other => other?,
        };
        Ok(OpenOut {
            fh: self.handles.add_directory(id, Listing::new(fd)?, permit),
            ..OpenOut::default()
        })
    }

    /// A descriptor of the file was closed: its process loses its locks (fcntl(2)).
    ///
    /// # Errors
    /// `EBADF` for no such handle.
    pub fn flush(&mut self, id: u64, request: &FlushIn) -> Result<(), Errno> {
        self.handles.file(request.fh, id, super::handles::Use::Any)?;
        self.locks.release(id, request.lock_owner);
        Ok(())
    }

    /// The last descriptor of the file was closed.
    ///
    /// # Errors
    /// `EBADF` for no such handle.
    pub fn release(&mut self, id: u64, request: &ReleaseIn) -> Result<(), Errno> {
        self.handles.close_file(request.fh, id)?;
        self.locks.release(id, request.lock_owner);
        Ok(())
    }

    /// The directory was closed.
    ///
    /// # Errors
    /// `EBADF` for no such handle.
    pub fn releasedir(&mut self, id: u64, request: &ReleaseIn) -> Result<(), Errno> {
        self.handles.close_directory(request.fh, id)
    }
}

fn with(flags: OFlags, more: OFlags, condition: bool) -> OFlags {
    if condition { flags | more } else { flags }
}

#[cfg(test)]
#[path = "open_test.rs"]
mod tests;
