//! Writing what the driver asked for.

use std::io;
use std::os::fd::AsFd;

use vm_memory::ByteValued;

use super::QueueError;
use super::buffers::Buffers;
use super::chain::Buffer;
use super::vectored::{Direction, transfer};
use crate::Memory;

/// A cursor over the writable buffers of a chain.
#[derive(Debug)]
pub struct Writer<'m> {
    buffers: Buffers<'m>,
    written: usize,
}

impl<'m> Writer<'m> {
    pub(super) fn new(memory: &'m Memory, buffers: &[Buffer]) -> Result<Self, QueueError> {
        Buffers::new(memory, buffers).map(|buffers| Self { buffers, written: 0 })
    }

    /// Room left, in bytes.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.buffers.remaining()
    }

    /// Bytes that this writer has written; those of a writer split off from it do not count.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    /// [`QueueError::TooShort`] when there is less room; nothing is written then.
    pub fn write_all(&mut self, data: &[u8]) -> Result<(), QueueError> {
        self.buffers.take(data.len(), |at, piece| {
            if let Some(data) = data.get(at..) {
                piece.copy_from(data);
            }
        })?;
        self.written = self.written.saturating_add(data.len());
        Ok(())
    }

    /// Writes a structure in the layout it has in guest memory.
    ///
    /// # Errors
    /// [`QueueError::TooShort`] when there is less room; nothing is written then.
    pub fn write_obj<T: ByteValued>(&mut self, object: &T) -> Result<(), QueueError> {
        self.write_all(object.as_slice())
    }

    /// Keeps the next `count` bytes of room and returns a writer of the rest: a header is filled
    /// in when what follows it is known.
    ///
    /// # Errors
    /// [`QueueError::TooShort`]; nothing changes then.
    pub fn split_at(&mut self, count: usize) -> Result<Self, QueueError> {
        self.buffers.split_at(count).map(|buffers| Self { buffers, written: 0 })
    }

    /// Reads up to `count` bytes of a file from byte `offset` on, straight into guest memory.
    /// Returns the number of bytes read, by which the writer advances; it is less than `count`
    /// only at the end of the file, or where an error came after some bytes.
    ///
    /// # Errors
    /// `InvalidInput` when `count` exceeds [`Writer::remaining`] or the offset is out of range;
    /// else what `preadv` says.
    pub fn write_from_file_at(
        &mut self,
        fd: impl AsFd,
        count: usize,
        offset: u64,
    ) -> io::Result<usize> {
        let moved = transfer(&mut self.buffers, fd, count, offset, Direction::FromFile)?;
        self.written = self.written.saturating_add(moved);
        Ok(moved)
    }
}

impl io::Write for Writer<'_> {
    /// Writes what there is room for; zero bytes when there is none.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = data.len().min(self.remaining());
        if let Some(data) = data.get(..count) {
            Self::write_all(self, data)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
