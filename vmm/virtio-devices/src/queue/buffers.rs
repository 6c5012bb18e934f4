//! A cursor over checked pieces of guest memory, common to readers and writers.

use vm_memory::{GuestAddress, GuestMemoryBackend, VolatileSlice};

use super::QueueError;
use super::chain::Buffer;
use crate::Memory;

/// Pieces of guest memory, in order, and a position in them.
#[derive(Debug, Default)]
pub(super) struct Buffers<'m> {
    /// Pieces that are not used up yet; never empty ones.
    pieces: std::collections::VecDeque<VolatileSlice<'m>>,
    remaining: usize,
}

impl<'m> Buffers<'m> {
    /// Finds each buffer in guest memory. A buffer may run over from one region into the next.
    pub(super) fn new(memory: &'m Memory, buffers: &[Buffer]) -> Result<Self, QueueError> {
        let mut result = Self::default();
        for buffer in buffers {
            let outside =
                QueueError::BufferOutside { address: buffer.address, length: buffer.length };
            let length = usize::try_from(buffer.length).map_err(|_| outside)?;
            let pieces =
                GuestMemoryBackend::get_slices(memory, GuestAddress(buffer.address), length);
            for piece in pieces {
                result.add(piece.map_err(|_| outside)?).ok_or(outside)?;
            }
        }
        Ok(result)
    }

    fn add(&mut self, piece: VolatileSlice<'m>) -> Option<()> {
        if !piece.is_empty() {
            self.remaining = self.remaining.checked_add(piece.len())?;
            self.pieces.push_back(piece);
        }
        Some(())
    }

    pub(super) fn remaining(&self) -> usize {
        self.remaining
    }

    /// The next pieces, cut so that they hold `count` bytes together, at most `max` pieces.
    pub(super) fn peek(&self, count: usize, max: usize) -> Vec<VolatileSlice<'m>> {
        let mut left = count;
        let mut pieces = Vec::new();
        for piece in self.pieces.iter().take(max) {
            if left == 0 {
                break;
            }
            let length = piece.len().min(left);
            match piece.subslice(0, length) {
                Ok(piece) => pieces.push(piece),
                Err(_) => break,
            }
            left -= length;
        }
        pieces
    }

    /// Walks over the next `count` bytes, giving each piece to `visit` with its offset.
    pub(super) fn take(
        &mut self,
        count: usize,
        mut visit: impl FnMut(usize, &VolatileSlice<'m>),
    ) -> Result<(), QueueError> {
        self.need(count)?;
        let mut done = 0;
        while done < count {
            let Some(piece) = self.pieces.pop_front() else {
                break;
            };
            let length = piece.len().min(count - done);
            if let Ok((used, rest)) = piece.split_at(length) {
                visit(done, &used);
                if !rest.is_empty() {
                    self.pieces.push_front(rest);
                }
            }
            done += length;
            self.remaining -= length;
        }
        Ok(())
    }

    /// Keeps the first `count` bytes and returns the rest.
    pub(super) fn split_at(&mut self, count: usize) -> Result<Self, QueueError> {
        self.need(count)?;
        let mut first = Self::default();
        self.take(count, |_, piece| {
            // The sum stays below `self.remaining`.
            let _ = first.add(*piece);
        })?;
        Ok(std::mem::replace(self, first))
    }

    fn need(&self, wanted: usize) -> Result<(), QueueError> {
        if wanted > self.remaining {
            return Err(QueueError::TooShort { wanted, remaining: self.remaining });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "buffers_test.rs"]
mod tests;
