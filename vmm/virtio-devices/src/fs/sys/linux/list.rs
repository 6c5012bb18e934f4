//! Listing a directory on Linux. An entry's place is the file system's own cookie.

use std::os::fd::OwnedFd;

use rustix::fs::{RawDir, SeekFrom, seek};
use rustix::io::Errno;

use crate::fs::sys::Listed;

/// An open directory.
#[derive(Debug)]
pub(in crate::fs) struct Listing {
    fd: OwnedFd,
    /// Where the descriptor stands, where that is known.
    position: Option<u64>,
}

impl Listing {
    /// Of a directory that was opened for reading.
    pub(in crate::fs) fn new(fd: OwnedFd) -> Result<Self, Errno> {
        Ok(Self { fd, position: Some(0) })
    }

    /// Brings the directory to disk.
    pub(in crate::fs) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.fd)
    }

    /// Tells `tell` of the entries from `offset` on, until it takes no more or there are none.
    /// `buffer` is worked in.
    pub(in crate::fs) fn each(
        &mut self,
        offset: u64,
        buffer: &mut Vec<u8>,
        mut tell: impl FnMut(Listed<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        // Known again only when every entry that the kernel gave has been passed on.
        if self.position.take() != Some(offset) {
            seek(&self.fd, SeekFrom::Start(offset))?;
        }
        let mut position = offset;
        let mut raw = RawDir::new(&self.fd, buffer.spare_capacity_mut());
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let next = entry.next_entry_cookie();
            let listed =
                Listed { name: entry.file_name(), ino: entry.ino(), kind: entry.file_type(), next };
            if !tell(listed)? {
                return Ok(());
            }
            position = next;
        }
        self.position = Some(position);
        Ok(())
    }
}
