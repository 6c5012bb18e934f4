//! Linux.

mod memory;
mod vhost_user;

use std::fs::File;
use std::io;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::rand::GetRandomFlags;

pub(crate) use memory::{Backing, populate};
pub(crate) use vhost_user::vhost_user;

/// What a poll asks and shows for a socket whose other end has gone.
pub(crate) const PEER_CLOSED: PollFlags = PollFlags::RDHUP;

/// Fills `data` from the kernel's generator, waiting for it to be seeded.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    let mut left = data;
    while !left.is_empty() {
        match rustix::rand::getrandom(&mut *left, GetRandomFlags::empty()) {
            Ok(count) => left = left.get_mut(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Bytes of memory and swap space that the host has, free or not.
pub(crate) fn host_memory() -> u64 {
    let info = rustix::system::sysinfo();
    let units = info.totalram.saturating_add(info.totalswap);
    units.saturating_mul(u64::from(info.mem_unit).max(1))
}

/// Copies `length` bytes from `offset` of `file` to `at` of `target` inside the kernel: about
/// half the time of reading into a mapping of the target, which takes a page fault for each page.
/// `Ok(false)`: this file system has no such way.
pub(crate) fn copy_file(
    file: &File,
    offset: u64,
    target: &File,
    at: u64,
    length: u64,
) -> io::Result<bool> {
    rustix::fs::seek(target, rustix::fs::SeekFrom::Start(at))?;
    let (mut from, end) = (offset, offset.saturating_add(length));
    while from < end {
        let rest = usize::try_from(end - from).unwrap_or(usize::MAX);
        match rustix::fs::sendfile(target, file, Some(&mut from), rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
