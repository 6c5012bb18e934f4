#![expect(unsafe_code, reason = "getentropy and madvise have no safe wrapper here")]
//! macOS.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt::{set_socket_nosigpipe, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};
use vm_memory::{GuestMemoryRegion, GuestRegionMmap};

/// To send without waiting; see [`without_signals`].
pub(crate) const SEND: SendFlags = SendFlags::DONTWAIT;
/// To receive descriptors; see [`keep_from_programs`].
pub(crate) const RECEIVE: RecvFlags = RecvFlags::empty();

/// Who receives a socket says so: until then it must stay open (`vsock::transit`).
pub(crate) const ACKNOWLEDGED: bool = true;

/// Most bytes that getentropy(2) gives at once.
const ENTROPY: usize = 256;

/// A pair of sockets that carry messages with descriptors, and whose end is seen.
///
/// Unix sockets of macOS have no `SOCK_SEQPACKET`, and datagrams have no end. A stream has both:
/// what is sent with a descriptor begins a record of its own in the receiver's buffer, and no
/// receive call goes beyond a record, so a message comes out as it went in. It is far smaller than
/// the room below which a socket takes nothing at all, so it is never sent in part.
pub(crate) fn channel_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::STREAM;
    let (one, other) = socketpair(AddressFamily::UNIX, kind, SocketFlags::empty(), None)?;
    for end in [&one, &other] {
        keep_from_programs(end)?;
        without_signals(end)?;
    }
    Ok((one, other))
}

/// No program gets it which this process executes. In the moment since it came another thread may
/// have executed one; processes of qvm that receive descriptors execute nothing.
pub(crate) fn keep_from_programs(received: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfd(received, FdFlags::CLOEXEC)?)
}

/// Sending over it when nobody receives is an error and not a signal.
pub(crate) fn without_signals(socket: impl AsFd) -> io::Result<()> {
    Ok(set_socket_nosigpipe(socket, true)?)
}

/// Lets `bytes` wait in a socket for its reader: a Unix socket has room for 8 KiB here, which is
/// little for what a connection carries. With less it is slower.
pub(crate) fn make_room(socket: impl AsFd, bytes: u32) {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let _ = set_socket_send_buffer_size(socket, bytes);
}

/// Fills `data` from the kernel's generator.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    for piece in data.chunks_mut(ENTROPY) {
        // SAFETY: the buffer is as long as is said and writable.
        if unsafe { libc::getentropy(piece.as_mut_ptr().cast(), piece.len()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Gives the whole pages from `start` to `end`, offsets in `region`, back to the host, and returns
/// how many bytes that is.
///
/// `MADV_FREE`: their contents may go. The host takes the pages when it needs memory, at once if
/// it does, and hands out zeros when the guest comes back to them; until then they count as this
/// process's in Activity Monitor. The mapping in the guest stays as it is, so nothing has to be
/// stopped, and a page that the guest writes to again before it was taken is kept. `MADV_DONTNEED`
/// frees nothing here, and `MADV_FREE_REUSABLE`, which also corrects the count, wants to be told
/// when pages are used again, which nobody sees. Pages have 16 KiB: a balloon that takes single
/// pages of 4 KiB frees only where four of them lie together.
pub(crate) fn release(region: &GuestRegionMmap<()>, start: u64, end: u64) -> Option<u64> {
    let page = rustix::param::page_size();
    let base = region.as_ptr();
    let length = usize::try_from(region.len()).ok()?;
    let inside = |offset: u64| usize::try_from(offset).ok().filter(|offset| *offset <= length);
    // Inwards to pages of the host.
    let start = base.addr().checked_add(inside(start)?)?.checked_next_multiple_of(page)?;
    let end = base.addr().checked_add(inside(end)?)?;
    let end = end - end % page;
    let whole = end.checked_sub(start).filter(|whole| *whole > 0)?;
    // SAFETY: the range is whole pages of a live mapping of guest memory, to which nothing in this
    // process has a Rust reference; its contents are the guest's, which gave them up.
    let result = unsafe { libc::madvise(base.with_addr(start).cast(), whole, libc::MADV_FREE) };
    (result == 0).then(|| u64::try_from(whole).unwrap_or(0))
}

/// A file of `length` zeros without a name. What is in memory only is no file here.
pub(crate) fn memory_file(name: &str, length: u64) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("{name}-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.set_len(length)?;
    Ok(file)
}
