//! What a process is to be confined to.

use std::{
    fmt,
    os::fd::{OwnedFd, RawFd},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::Entry;

/// The kinds of process there are. Each has its own system call filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The server of one shared folder. Linux only.
    Fs,
    /// The relay between guest ports and the sockets it was given. Linux only.
    Vsock,
    /// The virtual machine monitor, with its vCPU threads. On macOS it serves folders and guest
    /// ports as well, on threads of its own.
    Vmm,
    /// QEMU as a CPU engine. Our rules are set before it is executed, its own on top.
    Qemu,
    /// The HTTP bridge between guests and model servers: only descriptors.
    Bridge,
    /// The launcher of a model server: it starts one foreign program, and connects to it.
    Model,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Fs, Self::Vsock, Self::Vmm, Self::Qemu, Self::Bridge, Self::Model];

    /// The role's short name, as in process names and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fs => "fs",
            Self::Vsock => "vsock",
            Self::Vmm => "vmm",
            Self::Qemu => "qemu",
            Self::Bridge => "bridge",
            Self::Model => "model",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the process sees as `/`.
#[derive(Debug)]
pub enum Root {
    /// An empty read-only folder.
    Empty,
    /// One folder of the host and what lies below it.
    Folder {
        /// The folder. It is closed by [`enter`](crate::enter), which gives a descriptor
        /// of the new root in its place: one from outside would still lead out by `..`.
        folder: OwnedFd,
        /// Whether the folder is mounted read-only.
        read_only: bool,
    },
    /// A program's files.
    Program {
        /// These paths of the host, read-only, at their own places; those that do not exist
        /// are left out. Device nodes stay usable.
        paths: Vec<PathBuf>,
        /// Of the descriptors that are kept, those that the program opens again for reading,
        /// as `/proc/self/fd/N`. Nothing else of `/proc` is there.
        reopened: Vec<RawFd>,
    },
    /// Parts that the caller opened, at places of its choice. Nothing is left out: an entry that
    /// cannot be had is an error, and so is a machine without mount namespaces.
    Tree {
        /// The parts. The descriptors are closed by [`enter`](crate::enter).
        entries: Vec<Entry>,
    },
}

/// Whose rights the process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The caller's. Of root's powers only those over files remain: see [`enter`](crate::enter).
    Caller,
    /// The caller's if that is an ordinary user; `nobody`'s if it is root.
    Nobody,
}

/// Resource limits. `None` leaves a limit as it is. Core files are always off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Open descriptors.
    pub open_files: Option<u64>,
    /// The largest file that may be written, in bytes. Counts for memory files too.
    pub file_size: Option<u64>,
    /// Threads. Only set where the process has its own user namespace: elsewhere the kernel
    /// counts all processes of the user.
    pub threads: Option<u64>,
    /// Locked memory, in bytes.
    pub locked_memory: Option<u64>,
}

/// What happens at a refused system call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Denied {
    /// The process is killed with `SIGSYS`.
    #[default]
    Kill,
    /// The process says on standard error what it called, and ends. For finding out.
    Trap,
}

/// What a process is to be confined to: made with [`Profile::new`], then the fields set.
#[derive(Debug)]
pub struct Profile {
    /// What the process is.
    pub role: Role,
    /// The process to end with, checked against `getppid`. `None`: not checked.
    pub parent: Option<u32>,
    /// The read end of a pipe of which the parent holds the other end: when that closes, the
    /// kernel kills this process. `None`: only the parent-death signal ends it.
    pub life: Option<OwnedFd>,
    /// Descriptors to keep open beside 0, 1, 2, `life` and the root folder.
    pub keep: Vec<RawFd>,
    /// What the process sees as `/`.
    pub root: Root,
    /// Whose rights the process has.
    pub identity: Identity,
    /// Resource limits.
    pub limits: Limits,
    /// Whether [`enter`](crate::enter) fails unless every layer is in force. [`Profile::new`]
    /// sets it for [`Role::Model`].
    ///
    /// Two things may lack even so, as neither opens anything: landlock's newer parts, as other
    /// layers do the same (read-only mounts for truncation, the network namespace and the filter
    /// for TCP, the filter for device controls, abstract sockets and signals); and a
    /// [`What::Processes`](crate::What::Processes) that a container refuses.
    pub strict: bool,
}

impl Profile {
    /// A profile for `role` with the tightest settings: an empty root, no descriptors, no
    /// identity but an ordinary user's, and the role's usual limits.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            parent: None,
            life: None,
            keep: Vec::new(),
            root: Root::Empty,
            identity: Identity::Nobody,
            limits: Limits::of(role),
            strict: role == Role::Model,
        }
    }
}

impl Limits {
    /// The usual limits of a role.
    #[must_use]
    pub fn of(role: Role) -> Self {
        let base = Self {
            open_files: Some(1024),
            file_size: Some(0),
            threads: Some(64),
            locked_memory: Some(0),
        };
        match role {
            // One descriptor for each file that the guest knows, and it knows all that it has
            // looked at for as long as it has memory: large trees have some hundred thousand. This
            // is what the kernel lets root have (`fs.nr_open`); others get their hard limit. The
            // device keeps its own count well below. Files may become as large as the file system
            // lets them.
            Role::Fs => Self { open_files: Some(1 << 20), file_size: None, ..base },
            // 1023 connections, each a socket, and the sockets to accept on.
            Role::Vsock => Self { open_files: Some(4096), ..base },
            // Guest memory is a memory file as large as the guest. 32 vCPUs and the devices
            // each have a thread.
            Role::Vmm => Self { file_size: None, threads: Some(128), ..base },
            Role::Qemu => Self { file_size: None, threads: Some(256), ..base },
            // A session has some connections; the log grows.
            Role::Bridge => Self { open_files: Some(4096), file_size: None, ..base },
            // Of the server too. Weights may be locked in memory if the user's limit allows; files
            // are a GPU's compiled code, and memory files.
            Role::Model => Self {
                open_files: Some(4096),
                file_size: Some(1 << 30),
                threads: Some(1024),
                locked_memory: None,
            },
        }
    }
}
