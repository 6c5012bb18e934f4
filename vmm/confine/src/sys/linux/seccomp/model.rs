//! The launcher of a model server, once the server runs: it connects to it and sees it end.

use libc::{
    SYS_connect, SYS_getsockopt, SYS_pidfd_send_signal, SYS_setsockopt, SYS_socket, SYS_wait4,
    SYS_waitid,
};

use super::table::{Allow, any, int, masked, only};

/// Allowed beside what is common. Nothing is there to be connected to but the server's socket:
/// the root has no other, and the network namespace no name. Its only descriptor of a process is
/// its child's, as `pidfd_open` is not here.
pub(super) const ALLOWED: &[Allow] = &[
    only(
        SYS_socket,
        &[&[int(0, libc::AF_UNIX as u32), masked(1, super::KIND, libc::SOCK_STREAM as u32)]],
    ),
    any(SYS_connect),
    any(SYS_getsockopt),
    only(SYS_setsockopt, &[&[int(1, libc::SOL_SOCKET as u32)]]),
    any(SYS_wait4),
    any(SYS_waitid),
    any(SYS_pidfd_send_signal),
];
