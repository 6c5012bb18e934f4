//! Reading and writing files.

use rustix::io::Errno;

use super::Passthrough;
use super::handles::Use;
use super::limits::MAX_IO;
use crate::fs::message::{Input, Output};
use crate::fs::wire::{FsyncIn, ReadIn, WriteIn, flags};

impl Passthrough {
    /// Reads straight into the room for the reply; returns the number of bytes, less than asked
    /// for only at the end of the file or of the room.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another node or not open for reading.
    pub fn read(
        &mut self,
        id: u64,
        request: &ReadIn,
        out: &mut impl Output,
    ) -> Result<usize, Errno> {
        let file = self.handles.file(request.fh, id, Use::Read)?;
        let count = usize::try_from(request.size.min(MAX_IO)).map_err(|_| Errno::INVAL)?;
        let count = count.min(out.remaining());
        out.read_from(std::os::fd::AsFd::as_fd(&file.fd), count, request.offset)
            .map_err(|error| errno(&error))
    }

    /// Writes straight from the request; returns the number of bytes.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another node or not open for writing; `EINVAL` when
    /// the request holds fewer bytes than it says.
    pub fn write(
        &mut self,
        id: u64,
        request: &WriteIn,
        data: &mut impl Input,
    ) -> Result<u32, Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let cached = request.write_flags & flags::WRITE_CACHE != 0;
        let append = !cached && request.flags & flags::open::APPEND != 0;
        let size = request.size.min(MAX_IO);
        let count = usize::try_from(size).map_err(|_| Errno::INVAL)?;
        if count > data.remaining() {
            return Err(Errno::INVAL);
        }
        let file = self.handles.to_write(request.fh, id, append)?;
        let written = data
            .write_to(std::os::fd::AsFd::as_fd(&file.fd), count, request.offset)
            .map_err(|error| errno(&error))?;
        if request.write_flags & flags::WRITE_KILL_SUIDGID != 0 && self.keeps_setuid {
            let file = self.handles.file(request.fh, id, Use::Write)?;
            self.drop_setid(&file.fd)?;
        }
        u32::try_from(written).map_err(|_| Errno::IO)
    }

    /// Brings a file to disk.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another node.
    pub fn fsync(&mut self, id: u64, request: &FsyncIn) -> Result<(), Errno> {
        let file = self.handles.file(request.fh, id, Use::Any)?;
        self.host.sync(&file.fd, request.fsync_flags & flags::FSYNC_DATA != 0)
    }

    /// Brings a directory to disk.
    ///
    /// # Errors
    /// The host's; `EBADF` for a handle of another node.
    pub fn fsyncdir(&mut self, id: u64, request: &FsyncIn) -> Result<(), Errno> {
        self.handles.directory(request.fh, id)?.listing.sync()
    }
}

/// The error number of an error from a cursor.
fn errno(error: &std::io::Error) -> Errno {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw_os_error(number),
        None if error.kind() == std::io::ErrorKind::InvalidInput => Errno::INVAL,
        None => Errno::IO,
    }
}

#[cfg(test)]
#[path = "io_test.rs"]
mod tests;
