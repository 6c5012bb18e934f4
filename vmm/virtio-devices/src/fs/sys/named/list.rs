//! Listing a directory.
//!
//! A directory's own cookies are not what a guest can be given: they belong to one open directory
//! stream, and not each can be gone back to. So places are counted: the entry at place N is the
//! one that the stream gave as its Nth. The guest goes back by less than a reply when its program
//! had no room for all of it, so the entries of the last reply are kept. Whoever goes to a place
//! elsewhere has the directory read again from its beginning.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType};
use rustix::io::Errno;

use crate::fs::sys::Listed;

/// Most entries of one reply, all of which are kept until the next.
const MAX_KEPT: usize = 128;

struct Kept {
    name: CString,
    ino: u64,
    kind: FileType,
}

/// An open directory.
pub(in crate::fs) struct Listing {
    stream: Dir,
    /// The place of the first entry kept.
    first: u64,
    kept: VecDeque<Kept>,
    ended: bool,
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Listing {
    /// Of a directory that was opened for reading.
    pub(in crate::fs) fn new(fd: OwnedFd) -> Result<Self, Errno> {
        let stream = Dir::new(fd)?;
        Ok(Self { stream, first: 0, kept: VecDeque::new(), ended: false })
    }

    /// Brings the directory to disk.
    pub(in crate::fs) fn sync(&self) -> Result<(), Errno> {
        super::native::barrier(self.stream.fd()?)
    }

    /// Tells `tell` of the entries from `offset` on, until it takes no more, there are none, or
    /// there were [`MAX_KEPT`]. The buffer is for other systems.
    pub(in crate::fs) fn each(
        &mut self,
        offset: u64,
        _buffer: &mut Vec<u8>,
        mut tell: impl FnMut(Listed<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        self.go_to(offset)?;
        for at in 0..MAX_KEPT {
            if at == self.kept.len() && !self.read()? {
                return Ok(());
            }
            let Some(entry) = self.kept.get(at) else {
                return Ok(());
            };
            let next = offset.saturating_add(u64::try_from(at).unwrap_or_default() + 1);
            let listed = Listed { name: &entry.name, ino: entry.ino, kind: entry.kind, next };
            if !tell(listed)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes the entry at `offset` the first of those kept, or the next to be read.
    fn go_to(&mut self, offset: u64) -> Result<(), Errno> {
        let back = offset.checked_sub(self.first).and_then(|back| usize::try_from(back).ok());
        match back.filter(|back| *back <= self.kept.len()) {
            // From the beginning means as it is now.
            Some(back) if offset > 0 || self.first == 0 && self.kept.is_empty() => {
                self.kept.drain(..back);
                self.first = offset;
                return Ok(());
            }
            _ => {}
        }
        self.stream.rewind();
        self.kept.clear();
        self.ended = false;
        self.first = 0;
        while self.first < offset && self.read()? {
            self.kept.clear();
            self.first += 1;
        }
        // Beyond the end there is nothing, wherever.
        self.first = offset;
        Ok(())
    }

    /// Reads one more entry. False at the end.
    fn read(&mut self) -> Result<bool, Errno> {
        if self.ended {
            return Ok(false);
        }
        match self.stream.read() {
            Some(entry) => {
                let entry = entry?;
                self.kept.push_back(Kept {
                    name: entry.file_name().to_owned(),
                    ino: entry.ino(),
                    kind: entry.file_type(),
                });
                Ok(true)
            }
            None => {
                self.ended = true;
                Ok(false)
            }
        }
    }
}
