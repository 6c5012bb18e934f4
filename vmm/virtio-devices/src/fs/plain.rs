//! Requests and replies in plain bytes, for tests and fuzzing.

use std::io;
use std::os::fd::BorrowedFd;

use super::message::{Input, Output, TooShort};

/// A request in bytes.
pub struct Bytes<'a>(pub &'a [u8]);

impl Input for Bytes<'_> {
    fn remaining(&self) -> usize {
        self.0.len()
    }

    fn read_exact(&mut self, out: &mut [u8]) -> Result<(), TooShort> {
        let (first, rest) = self.0.split_at_checked(out.len()).ok_or(TooShort)?;
        out.copy_from_slice(first);
        self.0 = rest;
        Ok(())
    }

    fn write_to(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize> {
        let first = self.0.get(..count).ok_or(io::ErrorKind::InvalidInput)?;
        let written = rustix::io::pwrite(file, first, offset)?;
        self.0 = self.0.get(written..).unwrap_or_default();
        Ok(written)
    }
}

/// Room for a reply in bytes.
pub struct Room<'a>(pub &'a mut [u8]);

impl Output for Room<'_> {
    fn remaining(&self) -> usize {
        self.0.len()
    }

    fn write_all(&mut self, data: &[u8]) -> Result<(), TooShort> {
        if data.len() > self.0.len() {
            return Err(TooShort);
        }
        let room = std::mem::take(&mut self.0);
        let (first, rest) = room.split_at_mut_checked(data.len()).ok_or(TooShort)?;
        first.copy_from_slice(data);
        self.0 = rest;
        Ok(())
    }

    fn split_off(&mut self, count: usize) -> Result<Self, TooShort> {
        if count > self.0.len() {
            return Err(TooShort);
        }
        let room = std::mem::take(&mut self.0);
        let (first, rest) = room.split_at_mut_checked(count).ok_or(TooShort)?;
        self.0 = first;
        Ok(Self(rest))
    }

    fn read_from(&mut self, file: BorrowedFd<'_>, count: usize, offset: u64) -> io::Result<usize> {
        let first = self.0.get_mut(..count).ok_or(io::ErrorKind::InvalidInput)?;
        let read = rustix::io::pread(file, first, offset)?;
        let room = std::mem::take(&mut self.0);
        self.0 = room.get_mut(read..).unwrap_or_default();
        Ok(read)
    }
}
