//! The relay between guest ports and sockets.

use libc::{SYS_accept4, SYS_socketpair};

use super::table::{Allow, any, int, only};

/// Allowed beside what is common: taking connections from the sockets it was given, and making
/// a connected pair, of which one end goes to the session.
pub(super) const ALLOWED: &[Allow] =
    &[any(SYS_accept4), only(SYS_socketpair, &[&[int(0, libc::AF_UNIX as u32)]])];
