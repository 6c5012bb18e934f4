//! Linux.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};
use rustix::rand::GetRandomFlags;
use vm_memory::{GuestMemoryRegion, GuestRegionMmap};

/// To send without waiting, and without a signal when nobody receives.
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);
/// To receive descriptors that no program gets which this process executes.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;

/// Nobody is told that a socket has arrived, which cannot be lost on its way.
pub(crate) const ACKNOWLEDGED: bool = false;

/// A pair of sockets that carry messages with descriptors, and whose end is seen.
pub(crate) fn channel_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    Ok(socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// Nothing to do after [`RECEIVE`].
pub(crate) fn keep_from_programs(_received: &OwnedFd) -> io::Result<()> {
    Ok(())
}

/// Nothing to do with [`SEND`].
pub(crate) fn without_signals(_socket: impl AsFd) -> io::Result<()> {
    Ok(())
}

/// There is room for some hundred kilobytes in a socket.
pub(crate) fn make_room(_socket: impl AsFd, _bytes: u32) {}

/// Fills `data` from the kernel's generator, waiting for it to be seeded.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    let mut left = data;
    while !left.is_empty() {
        match rustix::rand::getrandom(&mut *left, GetRandomFlags::empty()) {
            Ok(count) => left = left.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Gives the whole pages from `start` to `end`, offsets in `region`, back to the host, and returns
/// how many bytes that is. They read as zero afterwards, in every mapping: the memory is a shared
/// mapping of a file, in which a hole is made. Nothing for memory without a file behind it.
pub(crate) fn release(region: &GuestRegionMmap<()>, start: u64, end: u64) -> Option<u64> {
    let file = region.file_offset()?;
    // Inwards to pages of the file, which are those of the host.
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    let start = file.start().checked_add(start)?.checked_next_multiple_of(page)?;
    let end = file.start().checked_add(end)?;
    let end = end - end % page;
    let whole = end.checked_sub(start).filter(|whole| *whole > 0)?;
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file.file(), flags, start, whole).ok()?;
    Some(whole)
}

/// A file of `length` zeros that is in memory only.
pub(crate) fn memory_file(name: &str, length: u64) -> io::Result<File> {
    let file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.set_len(length)?;
    Ok(file)
}
