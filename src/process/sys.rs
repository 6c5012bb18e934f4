//! What starting and watching processes takes, where the systems differ, and which processes there
//! are.
//!
//! | | Linux | macOS |
//! |---|---|---|
//! | the end of a process | a pidfd | a kqueue with `NOTE_EXIT` |
//! | ends with its parent | `PDEATHSIG`, and a pipe | the pipe |
//! | is confined by | itself | itself, and `sandbox-exec`, which it is started through |
//! | serves shares and vsock | processes of their own | the monitor |

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod imp;

pub(super) use imp::{Confinement, Job, ServeError, Watch, command, die_with, machine};
