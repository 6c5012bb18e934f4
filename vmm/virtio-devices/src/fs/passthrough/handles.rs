//! Open files and directories. A handle belongs to its node and its kind of access; a request
//! that names it beside another node, or for what it was not opened for, is refused.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::limits::{Budget, Permit};
use crate::fs::sys::Listing;

/// An open regular file.
#[derive(Debug)]
pub struct File {
    /// The open file.
    pub fd: OwnedFd,
    node: u64,
    readable: bool,
    writable: bool,
    append: bool,
    _permit: Permit,
}

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    /// The open directory.
    pub(in crate::fs) listing: Listing,
    node: u64,
    _permit: Permit,
}

/// What a request wants to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Nothing that depends on how it was opened.
    Any,
    /// Read it.
    Read,
    /// Write it.
    Write,
}

enum Handle {
    File(File),
    Directory(Directory),
}

/// The table of handles.
pub struct Handles {
    handles: HashMap<u64, Handle>,
    next: u64,
    budget: Budget,
}

impl Handles {
    /// An empty table.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self { handles: HashMap::new(), next: 1, budget }
    }

    /// The right to open one more; asked for before opening.
    ///
    /// # Errors
    /// `ENFILE` when the guest has too many open.
    pub fn permit(&self) -> Result<Permit, Errno> {
        self.budget.take()
    }

    /// Adds a file that was opened with `flags`.
    pub fn add_file(&mut self, node: u64, fd: OwnedFd, flags: OFlags, permit: Permit) -> u64 {
        let mode = flags & OFlags::RWMODE;
        self.add(Handle::File(File {
            fd,
            node,
            readable: mode != OFlags::WRONLY,
            writable: mode != OFlags::RDONLY,
            append: flags.contains(OFlags::APPEND),
            _permit: permit,
        }))
    }

    /// Adds a directory.
    pub(in crate::fs) fn add_directory(
        &mut self,
        node: u64,
        listing: Listing,
        permit: Permit,
    ) -> u64 {
        self.add(Handle::Directory(Directory { listing, node, _permit: permit }))
    }

    fn add(&mut self, handle: Handle) -> u64 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.handles.insert(id, handle);
        id
    }

    /// The file with handle `id`, which must be one of `node`, for `wanted`.
    ///
    /// # Errors
    /// `EBADF` when there is no such handle, node or access.
    pub fn file(&self, id: u64, node: u64, wanted: Use) -> Result<&File, Errno> {
        match self.handles.get(&id) {
            Some(Handle::File(file)) if file.node == node && file.allows(wanted) => Ok(file),
            _ => Err(Errno::BADF),
        }
    }

    /// A file that is open on `node`, if there is one. Looks at all handles.
    #[must_use]
    pub fn any_file(&self, node: u64) -> Option<&File> {
        self.handles.values().find_map(|handle| match handle {
            Handle::File(file) if file.node == node => Some(file),
            _ => None,
        })
    }

    /// The file to write to, set to append or not as the request's flags have it: the guest may
    /// have changed them with fcntl(2) since, and pages of a mapping go to their place even in
    /// a file that appends.
    ///
    /// # Errors
    /// `EBADF` as above, or what fcntl(2) says.
    pub fn to_write(&mut self, id: u64, node: u64, append: bool) -> Result<&File, Errno> {
        match self.handles.get_mut(&id) {
            Some(Handle::File(file)) if file.node == node && file.allows(Use::Write) => {
                if file.append != append {
                    let mut flags = fcntl_getfl(&file.fd)?;
                    flags.set(OFlags::APPEND, append);
                    fcntl_setfl(&file.fd, flags)?;
                    file.append = append;
                }
                Ok(file)
            }
            _ => Err(Errno::BADF),
        }
    }

    /// The directory with handle `id`, which must be one of `node`.
    ///
    /// # Errors
    /// `EBADF` when there is none.
    pub fn directory(&mut self, id: u64, node: u64) -> Result<&mut Directory, Errno> {
        match self.handles.get_mut(&id) {
            Some(Handle::Directory(directory)) if directory.node == node => Ok(directory),
            _ => Err(Errno::BADF),
        }
    }

    /// Takes a directory out of the table while it is listed.
    ///
    /// # Errors
    /// `EBADF` when there is none of that node.
    pub fn take_directory(&mut self, id: u64, node: u64) -> Result<Directory, Errno> {
        self.directory(id, node)?;
        match self.handles.remove(&id) {
            Some(Handle::Directory(directory)) => Ok(directory),
            _ => Err(Errno::BADF),
        }
    }

    /// Puts a directory back under its handle.
    pub fn put_directory(&mut self, id: u64, directory: Directory) {
        self.handles.insert(id, Handle::Directory(directory));
    }

    /// Closes a file.
    ///
    /// # Errors
    /// `EBADF` when there is none of that node.
    pub fn close_file(&mut self, id: u64, node: u64) -> Result<(), Errno> {
        self.file(id, node, Use::Any)?;
        self.handles.remove(&id);
        Ok(())
    }

    /// Closes a directory.
    ///
    /// # Errors
    /// `EBADF` when there is none of that node.
    pub fn close_directory(&mut self, id: u64, node: u64) -> Result<(), Errno> {
        self.directory(id, node)?;
        self.handles.remove(&id);
        Ok(())
    }

    /// Closes everything.
    pub fn clear(&mut self) {
        self.handles.clear();
    }
}

impl File {
    /// Whether it was opened for this use.
    #[must_use]
    pub fn allows(&self, wanted: Use) -> bool {
        match wanted {
            Use::Any => true,
            Use::Read => self.readable,
            Use::Write => self.writable,
        }
    }
}
