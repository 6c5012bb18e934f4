#![expect(
    unsafe_code,
    reason = "the kernel gets raw pointers: no Rust reference to memory that the guest changes"
)]
//! File input and output straight from and to guest memory.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use vm_memory::volatile_memory::PtrGuardMut;

use super::buffers::Buffers;

/// Pieces handed to the kernel at once: `IOV_MAX`, 1024 on Linux and macOS.
const MAX_PIECES: usize = 1024;

/// Which way the bytes go.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// From the file into guest memory.
    FromFile,
    /// From guest memory into the file.
    ToFile,
}

/// Moves up to `count` bytes between `fd` at `offset` and `buffers`, which advance by the
/// returned number. Less than `count` only at the end of the file, or when an error ended the
/// transfer after some bytes.
pub(super) fn transfer(
    buffers: &mut Buffers<'_>,
    fd: impl AsFd,
    count: usize,
    offset: u64,
    direction: Direction,
) -> io::Result<usize> {
    if count > buffers.remaining() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut done = 0;
    while done < count {
        let at = u64::try_from(done)
            .ok()
            .and_then(|done| offset.checked_add(done))
            .and_then(|at| libc::off_t::try_from(at).ok())
            .ok_or(io::ErrorKind::InvalidInput)?;
        match once(buffers, &fd, count - done, at, direction) {
            Ok(0) => break,
            Ok(moved) => {
                buffers.take(moved, |_, _| ())?;
                done += moved;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// One system call. Zero bytes mean the end of the file.
fn once(
    buffers: &Buffers<'_>,
    fd: &impl AsFd,
    count: usize,
    offset: libc::off_t,
    direction: Direction,
) -> io::Result<usize> {
    let guards: Vec<PtrGuardMut> = buffers
        .peek(count, MAX_PIECES)
        .iter()
        .map(vm_memory::VolatileSlice::ptr_guard_mut)
        .collect();
    let pieces: Vec<libc::iovec> = guards
        .iter()
        .map(|guard| libc::iovec { iov_base: guard.as_ptr().cast(), iov_len: guard.len() })
        .collect();
    let number = libc::c_int::try_from(pieces.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: `pieces` holds `number` valid vectors. Each describes mapped guest memory, which
    // outlives the call: the guards and the cursor's borrow of the memory are still held. Nothing
    // in this process has a Rust reference into that memory, so the kernel may write it.
    let moved = unsafe {
        match direction {
            Direction::FromFile => libc::preadv(fd, pieces.as_ptr(), number, offset),
            Direction::ToFile => libc::pwritev(fd, pieces.as_ptr(), number, offset),
        }
    };
    usize::try_from(moved).map_err(|_| io::Error::last_os_error())
}
