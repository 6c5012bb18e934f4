//! A root put together from parts, and the program that is run in it.

use std::{ffi::OsString, os::fd::OwnedFd, path::PathBuf};

use crate::Denied;

/// One part of [`Root::Tree`](crate::Root::Tree).
#[derive(Debug)]
pub struct Entry {
    /// Its absolute path in the new root. Folders above it are made, unless an entry higher up
    /// brings them.
    pub at: PathBuf,
    /// What is there.
    pub what: What,
}

/// What is at a path of [`Root::Tree`](crate::Root::Tree).
///
/// Descriptors are opened with `O_PATH`, by a caller that has checked what they lead to: that
/// very file or folder is mounted, whatever its path leads to meanwhile. Everything is `nosuid`.
/// A folder brings what is mounted below it.
#[derive(Debug)]
pub enum What {
    /// A file or folder to read: mounted read-only, `nodev`, `noexec`.
    Read(OwnedFd),
    /// A file or folder with shared libraries, read-only and `nodev`: they may be mapped as code,
    /// but nothing there may be executed.
    Libraries(OwnedFd),
    /// One file that may be executed, as the program and its dynamic loader: read-only.
    Execute(OwnedFd),
    /// A device node, to read, write and control.
    Device(OwnedFd),
    /// A folder of the host to write in, as for a GPU's compiled code: `nodev`, `noexec`. If
    /// root calls, user 65534 must have the right to.
    Write(OwnedFd),
    /// A symbolic link with this target.
    Link(PathBuf),
    /// A folder in memory of its own: writable, `nodev`, `noexec`, gone with the process.
    Scratch {
        /// How much it may hold, in bytes.
        bytes: u64,
    },
    /// The processes of the sandbox, as `/proc`.
    Processes {
        /// Whether the program may name its threads there, and read what the machine's drivers
        /// say about themselves: CUDA does both. Without, there is nothing but processes.
        names: bool,
    },
}

/// A foreign program, to be run once by [`start_program`](crate::start_program).
#[derive(Debug)]
pub struct Program {
    /// Its path in the root. It must be a [`What::Execute`].
    pub path: PathBuf,
    /// Its arguments, with its own name as the first.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Its standard output and standard error. Standard input is at its end.
    pub output: OwnedFd,
    /// Whether it may ask devices anything with `ioctl`. Which there are, is up to the root.
    pub gpu: bool,
    /// A refused call is answered with `EPERM` either way, for the program is not ours and may do
    /// well without; with [`Denied::Trap`] the kernel's log tells of it.
    pub denied: Denied,
}
