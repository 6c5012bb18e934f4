//! Sockets where the platforms differ.
//!
//! | | Linux | macOS |
//! |---|---|---|
//! | descriptors that are received | close-on-exec by a flag | marked after |
//! | a peer that is gone | no signal, by a flag | no signal, as Rust programs ignore `SIGPIPE` |
//! | packets | `SOCK_SEQPACKET` | there is none: a stream, in which the length goes ahead |

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod imp;

pub use imp::pair;
pub(crate) use imp::{ACKNOWLEDGED, RECEIVE, SEND, received};
