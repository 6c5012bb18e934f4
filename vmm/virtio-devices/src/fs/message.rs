//! What the server needs of a request and of the room for its reply. Implemented by the queue
//! guard's cursors and, for tests and fuzzing, by plain bytes ([`super::plain`]).

use std::io;
use std::os::fd::BorrowedFd;

use crate::queue::{Reader, Writer};

/// There are fewer bytes than asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is shorter than its contents")]
pub struct TooShort;

/// A request, read once from its beginning to its end.
pub trait Input {
    /// Bytes not read yet.
    fn remaining(&self) -> usize;

    /// Fills `out`.
    ///
    /// # Errors
    /// There is less left.
    fn read_exact(&mut self, out: &mut [u8]) -> Result<(), TooShort>;

    /// Writes the next `count` bytes into a file at `offset`; returns how many were written.
    ///
    /// # Errors
    /// `InvalidInput` when there is less left, else the file's.
    fn write_to(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize>;
}

/// Room for a reply, written once from its beginning on.
pub trait Output: Sized {
    /// Bytes of room left.
    fn remaining(&self) -> usize;

    /// Writes all of `data`.
    ///
    /// # Errors
    /// There is less room.
    fn write_all(&mut self, data: &[u8]) -> Result<(), TooShort>;

    /// Keeps the next `count` bytes of room and returns the rest.
    ///
    /// # Errors
    /// There is less room.
    fn split_off(&mut self, count: usize) -> Result<Self, TooShort>;

    /// Reads up to `count` bytes of a file from `offset` on; returns how many were read.
    ///
    /// # Errors
    /// `InvalidInput` when there is less room, else the file's.
    fn read_from(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize>;
}

impl Input for Reader<'_> {
    fn remaining(&self) -> usize {
        Reader::remaining(self)
    }

    fn read_exact(&mut self, out: &mut [u8]) -> Result<(), TooShort> {
        Reader::read_exact(self, out).map_err(|_| TooShort)
    }

    fn write_to(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize> {
        self.read_to_file_at(file, count, offset)
    }
}

impl Output for Writer<'_> {
    fn remaining(&self) -> usize {
        Writer::remaining(self)
    }

    fn write_all(&mut self, data: &[u8]) -> Result<(), TooShort> {
        Writer::write_all(self, data).map_err(|_| TooShort)
    }

    fn split_off(&mut self, count: usize) -> Result<Self, TooShort> {
        self.split_at(count).map_err(|_| TooShort)
    }

    fn read_from(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize> {
        self.write_from_file_at(file, count, offset)
    }
}
