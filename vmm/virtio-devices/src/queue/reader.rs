//! Reading what the driver sent.

use std::io;
use std::os::fd::AsFd;

use vm_memory::ByteValued;

use super::QueueError;
use super::buffers::Buffers;
use super::chain::Buffer;
use super::vectored::{Direction, transfer};
use crate::Memory;

/// A cursor over the readable buffers of a chain.
///
/// Each byte is copied out once; where the bytes lie in guest memory does not show.
#[derive(Debug)]
pub struct Reader<'m> {
    buffers: Buffers<'m>,
}

impl<'m> Reader<'m> {
    pub(super) fn new(memory: &'m Memory, buffers: &[Buffer]) -> Result<Self, QueueError> {
        Buffers::new(memory, buffers).map(|buffers| Self { buffers })
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.buffers.remaining()
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// [`QueueError::TooShort`]; nothing is consumed then.
    pub fn read_exact(&mut self, out: &mut [u8]) -> Result<(), QueueError> {
        let count = out.len();
        self.buffers.take(count, |at, piece| {
            if let Some(out) = out.get_mut(at..) {
                piece.copy_to(out);
            }
        })
    }

    /// Reads a structure in the layout it has in guest memory.
    ///
    /// # Errors
    /// [`QueueError::TooShort`]; nothing is consumed then.
    pub fn read_obj<T: ByteValued + Default>(&mut self) -> Result<T, QueueError> {
        let mut object = T::default();
        self.read_exact(object.as_mut_slice())?;
        Ok(object)
    }

    /// Leaves out the next `count` bytes.
    ///
    /// # Errors
    /// [`QueueError::TooShort`]; nothing is consumed then.
    pub fn skip(&mut self, count: usize) -> Result<(), QueueError> {
        self.buffers.take(count, |_, _| ())
    }

    /// Keeps the next `count` bytes and returns a reader of the rest.
    ///
    /// # Errors
    /// [`QueueError::TooShort`]; nothing changes then.
    pub fn split_at(&mut self, count: usize) -> Result<Self, QueueError> {
        self.buffers.split_at(count).map(|buffers| Self { buffers })
    }

    /// Writes the next `count` bytes into a file at byte `offset`, straight from guest memory.
    /// Returns the number of bytes written, by which the reader advances; it is less than
    /// `count` only where an error came after some bytes.
    ///
    /// # Errors
    /// `InvalidInput` when `count` exceeds [`Reader::remaining`] or the offset is out of range;
    /// else what `pwritev` says.
    pub fn read_to_file_at(
        &mut self,
        fd: impl AsFd,
        count: usize,
        offset: u64,
    ) -> io::Result<usize> {
        transfer(&mut self.buffers, fd, count, offset, Direction::ToFile)
    }
}

impl io::Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = out.len().min(self.remaining());
        if let Some(out) = out.get_mut(..count) {
            Self::read_exact(self, out)?;
        }
        Ok(count)
    }
}
