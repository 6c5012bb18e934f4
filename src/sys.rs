//! What the session needs of the operating system, where the two differ.
//!
//! | | Linux | macOS |
//! |---|---|---|
//! | a file in memory | memfd_create(2) | a temporary file, whose name is removed once it is passed on |
//! | a channel for descriptors | `SOCK_SEQPACKET` | a stream: messages are one byte or eight, sent and received whole |
//! | this program | `/proc/self/exe` | its path |
//! | names of machines | abstract sockets | sockets and locks in a folder of the user's own |
//! | who is at the other end | `SO_PEERCRED` | getpeereid(3) |

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

// They work on Linux too, so their tests run there.
#[cfg(all(test, target_os = "linux"))]
#[path = "sys/macos/sockets.rs"]
mod sockets;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "macos")]
use macos as imp;

pub use imp::{
    ACKNOWLEDGED, RECEIVE, SEND, enough_files, memory_file, names, own_folder, own_program, peer,
    pipe, pipe_nonblocking, random, received, settle, stream_nonblocking,
};

#[cfg(target_os = "macos")]
pub use imp::{sockets, sysctl};

/// A pair that carries descriptors, each with a message.
pub use virtio_devices::vsock::channel::pair as channel;

use std::{io, os::unix::net::UnixStream};

/// Whether the process at the other end is this user's.
///
/// # Errors
/// What the system says.
pub fn same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(peer(stream)? == rustix::process::getuid().as_raw())
}

#[cfg(test)]
#[path = "sys_test.rs"]
mod tests;
