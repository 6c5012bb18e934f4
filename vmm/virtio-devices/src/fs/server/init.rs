//! The agreement at the beginning of a session (`FUSE_INIT`).

use rustix::io::Errno;

use crate::fs::passthrough::limits::MAX_IO;
use crate::fs::wire::flags::init;
use crate::fs::wire::{InitIn, InitMoreIn, InitOut, MAJOR, MINOR, OLDEST_MINOR};

/// Features that are taken where the guest has them.
///
/// Left out on purpose: `WRITEBACK_CACHE`, because the guest would then believe its own times
/// and sizes and not see the host's changes; `DONT_MASK`, so that the guest applies its umask;
/// `POSIX_ACL`, since such attributes do not pass; `SUBMOUNTS`, `MAP_ALIGNMENT` (DAX) and
/// `SECURITY_CTX`, which need things that are not there.
const WANTED: u64 = init::ASYNC_READ
    | init::ATOMIC_O_TRUNC
    | init::BIG_WRITES
    | init::AUTO_INVAL_DATA
    | init::DO_READDIRPLUS
    | init::READDIRPLUS_AUTO
    | init::ASYNC_DIO
    | init::PARALLEL_DIROPS
    | init::MAX_PAGES
    | init::CACHE_SYMLINKS
    | init::HANDLE_KILLPRIV_V2
    | init::INIT_EXT;

/// File locks that host and guest share.
const LOCKS: u64 = init::POSIX_LOCKS | init::FLOCK_LOCKS;

const PAGE: u32 = 4096;
/// What a guest without `MAX_PAGES` puts into one request, in bytes.
const SMALL_IO: u32 = 32 * PAGE;

/// What to answer, and whether that opens the session: a guest with a newer major version has
/// to come down and ask again.
///
/// # Errors
/// `EPROTO` for versions that are too old.
pub fn negotiate(
    first: &InitIn,
    more: &InitMoreIn,
    share_locks: bool,
) -> Result<(InitOut, bool), Errno> {
    if first.major < MAJOR || (first.major == MAJOR && first.minor < OLDEST_MINOR) {
        return Err(Errno::PROTO);
    }
    if first.major > MAJOR {
        let reply = InitOut { major: MAJOR, minor: MINOR, ..InitOut::default() };
        return Ok((reply, false));
    }
    let mut offered = u64::from(first.flags);
    if offered & init::INIT_EXT != 0 {
        offered |= u64::from(more.flags2) << 32;
    }
    let wanted = if share_locks { WANTED | LOCKS } else { WANTED };
    let taken = offered & wanted;
    let io = if taken & init::MAX_PAGES != 0 { MAX_IO } else { SMALL_IO };
    let low = u32::try_from(taken & u64::from(u32::MAX)).unwrap_or(0);
    let high = u32::try_from(taken >> 32).unwrap_or(0);
    let reply = InitOut {
        major: MAJOR,
        minor: MINOR.min(first.minor),
        max_readahead: first.max_readahead.min(io),
        flags: low,
        max_background: 64,
        congestion_threshold: 48,
        max_write: io,
        time_gran: 1,
        max_pages: u16::try_from(io / PAGE).unwrap_or(u16::MAX),
        flags2: high,
        ..InitOut::default()
    };
    Ok((reply, true))
}
