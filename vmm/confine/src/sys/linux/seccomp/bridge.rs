//! The HTTP bridge: an event loop over connections that it is handed as descriptors.

use libc::{
    SYS_getpeername, SYS_getsockname, SYS_getsockopt, SYS_setsockopt, SYS_socketpair,
    SYS_timerfd_gettime,
};

use super::table::{Allow, any, int, only};

/// Allowed beside what is common: asking its sockets for errors and credentials, and making a
/// connected pair. It takes no connections of its own, and makes none.
pub(super) const ALLOWED: &[Allow] = &[
    any(SYS_getsockopt),
    only(SYS_setsockopt, &[&[int(1, libc::SOL_SOCKET as u32)]]),
    any(SYS_getsockname),
    any(SYS_getpeername),
    only(SYS_socketpair, &[&[int(0, libc::AF_UNIX as u32)]]),
    any(SYS_timerfd_gettime),
];
