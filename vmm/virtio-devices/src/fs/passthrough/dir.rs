//! Listing directories.
//!
//! An entry's `off` is the host's own (`Listed::next`): a listing goes on from there whichever reply it was
//! in, also after others have made and removed entries.

use std::ffi::CStr;

use rustix::fs::FileType;
use rustix::io::Errno;
use vm_memory::ByteValued;

use super::Passthrough;
use super::handles::Directory;
use super::limits::MAX_LISTING;
use super::lookup::Source;
use super::nodes::Node;
use super::policy::Intent;
use crate::fs::name::Name;
use crate::fs::sys::Listed;
use crate::fs::wire::{Dirent, EntryOut, ROOT_ID, ReadIn};

/// The kernel lists nothing into less than one entry, and names have up to 255 bytes.
const SMALLEST: usize = 512;

/// Whether entries carry attributes (`FUSE_READDIRPLUS`); each then counts as a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Names, numbers and kinds.
    Plain,
    /// With attributes.
    Plus,
}

impl Passthrough {
    /// Lists a directory into `out`: as many whole entries as fit into what the request allows
    /// and into `room` bytes, none at the directory's end.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another directory; `EINVAL` when not even one entry
    /// fits.
    pub fn readdir(
        &mut self,
        id: u64,
        request: &ReadIn,
        listing: Listing,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        let node = self.directory(id)?;
        let size = usize::try_from(request.size.min(MAX_LISTING)).map_err(|_| Errno::INVAL)?;
        let mut page =
            Page { limit: out.len().saturating_add(size.min(room)), out, listing, told: false };
        let mut directory = self.handles.take_directory(request.fh, id)?;
        let mut buffer = std::mem::take(&mut self.listing);
        buffer.clear();
        // An entry takes about as much room with the kernel as in a plain reply.
        let share = if listing == Listing::Plus { 4 } else { 1 };
        buffer.reserve((size / share).max(SMALLEST));
        let result = self.list(&node, &mut directory, request.offset, &mut buffer, &mut page);
        self.listing = buffer;
        self.handles.put_directory(request.fh, directory);
        result
    }

    fn list(
        &mut self,
        node: &Node,
        directory: &mut Directory,
        offset: u64,
        buffer: &mut Vec<u8>,
        page: &mut Page<'_>,
    ) -> Result<(), Errno> {
        let listed = directory.listing.each(offset, buffer, |entry| {
            if !page.fits(entry.name) {
                return if page.told { Ok(false) } else { Err(Errno::INVAL) };
            }
            self.tell(node, &entry, page);
            Ok(true)
        });
        match listed {
            // What was listed so far must not be lost; the error comes again.
            Err(_) if page.told => Ok(()),
            other => other,
        }
    }

    /// Puts an entry into the reply, unless it is gone or not to be seen.
    fn tell(&mut self, parent: &Node, listed: &Listed<'_>, page: &mut Page<'_>) {
        let name = listed.name;
        let ino = match name.to_bytes() {
            // Outside the share there is nothing.
            b".." if parent.id == ROOT_ID => parent.key.ino(),
            _ => listed.ino,
        };
        let mut dirent = Dirent {
            ino: self.inode_number(parent.key.device(), ino),
            off: listed.next,
            namelen: u32::try_from(name.to_bytes().len()).unwrap_or(0),
            kind: kind(listed.kind),
        };
        let mut entry = EntryOut::default();
        if !matches!(name.to_bytes(), b"." | b"..") {
            let Ok(name) = Name::new(name) else { return };
            if self.policy.check(parent, name, Intent::See).is_err() {
                return;
            }
            if page.listing == Listing::Plus {
                let known = self.nodes.find(parent.key.with_ino(listed.ino)).is_some();
                let found = if known {
                    self.resolve(parent, name)
                } else if self.nodes.is_roomy() {
                    self.resolve_new(parent, name)
                } else {
                    // The guest keeps what it was told of for as long as it has memory, so
                    // what is left is for the files that it asks for.
                    Err(Errno::NFILE)
                };
                match found {
                    Ok((node, stat)) => {
                        entry = self.entry(&node, &stat, Source::Listing);
                        dirent.ino = entry.attr.ino;
                    }
                    Err(Errno::NOENT) => return,
                    // With node id 0 the entry is a name only, and the guest asks for the rest.
                    Err(_) => {}
                }
            }
        }
        page.add(&entry, &dirent, name);
    }
}

/// The entries of one reply.
struct Page<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
    listing: Listing,
    told: bool,
}

impl Page<'_> {
    fn fits(&self, name: &CStr) -> bool {
        let fixed = match self.listing {
            Listing::Plain => size_of::<Dirent>(),
            Listing::Plus => size_of::<EntryOut>() + size_of::<Dirent>(),
        };
        let length = (fixed + name.to_bytes().len()).next_multiple_of(8);
        self.out.len().saturating_add(length) <= self.limit
    }

    fn add(&mut self, entry: &EntryOut, dirent: &Dirent, name: &CStr) {
        let start = self.out.len();
        if self.listing == Listing::Plus {
            self.out.extend_from_slice(entry.as_slice());
        }
        self.out.extend_from_slice(dirent.as_slice());
        self.out.extend_from_slice(name.to_bytes());
        let length = (self.out.len() - start).next_multiple_of(8);
        self.out.resize(start + length, 0);
        self.told = true;
    }
}

/// `DT_…` of Linux.
fn kind(file_type: FileType) -> u32 {
    match file_type {
        FileType::Fifo => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => 4,
        FileType::BlockDevice => 6,
        FileType::RegularFile => 8,
        FileType::Symlink => 10,
        FileType::Socket => 12,
        FileType::Unknown => 0,
    }
}

#[cfg(test)]
#[path = "dir_test.rs"]
mod tests;
