//! The messages. Adding a field or a variant changes the wire: raise [`crate::VERSION`].

use serde::{Deserialize, Serialize};

/// Bytes of an argument, a variable or a path: whatever Linux allows, not only UTF-8.
pub type Bytes = Vec<u8>;

/// Proof that a connection belongs to the command the host asked for.
pub type Token = [u8; 16];

/// First frame of every connection, from the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Opening {
    /// The control connection: [`ToAgent`] one way, [`FromAgent`] the other.
    Control {
        /// [`crate::VERSION`] of the agent.
        version: u32,
    },
    /// A command's own connection: [`ToCommand`] one way, [`FromCommand`] the other.
    Command {
        /// As in [`ToAgent::Spawn`].
        id: u32,
        /// As in [`ToAgent::Spawn`].
        token: Token,
    },
    /// Raw bytes of one of a command's streams.
    Stream {
        /// As in [`ToAgent::Spawn`].
        id: u32,
        /// As in [`ToAgent::Spawn`].
        token: Token,
        /// Which stream.
        kind: StreamKind,
    },
    /// Raw bytes of a TCP connection that [`ToAgent::Dial`] asked for.
    Dialed {
        /// As in [`ToAgent::Dial`].
        id: u32,
        /// As in [`ToAgent::Dial`].
        token: Token,
    },
}

/// Which of a command's streams a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamKind {
    /// Host to guest.
    Stdin,
    /// Guest to host.
    Stdout,
    /// Guest to host.
    Stderr,
    /// Both ways: the controlling side of a pseudo-terminal.
    Terminal,
}

/// Control messages from the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToAgent {
    /// First message, once.
    Configure(GuestConfig),
    /// Start a command.
    Spawn {
        /// Names the command; drawn by the host, never reused in one machine.
        id: u32,
        /// To be repeated in the command's openings.
        token: Token,
        /// What to run.
        command: CommandSpec,
    },
    /// The host's wall clock, now: sent at times, and at once after the host slept.
    SetTime {
        /// Nanoseconds since 1970-01-01 UTC.
        unix_nanos: u64,
    },
    /// Connect to a TCP port on the guest's loopback, and dial back with [`Opening::Dialed`].
    Dial {
        /// Names the connection.
        id: u32,
        /// To be repeated in the opening.
        token: Token,
        /// TCP port on 127.0.0.1 (then ::1) in the guest.
        port: u16,
    },
    /// Kill every process, flush and unmount the shares, answer [`FromAgent::Stopped`], power off.
    Shutdown,
}

/// Control messages from the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromAgent {
    /// Configured; commands start at once from here on.
    Ready {
        /// Guest `CLOCK_MONOTONIC` when the agent got control as PID 1, in nanoseconds.
        started_nanos: u64,
        /// The same clock now.
        ready_nanos: u64,
    },
    /// The guest cannot be set up; the machine is of no use. One line, causes joined by `: `.
    Fatal(String),
    /// [`ToAgent::Dial`] found nobody listening.
    DialFailed {
        /// As in [`ToAgent::Dial`].
        id: u32,
        /// `errno` of the last attempt.
        errno: i32,
    },
    /// Everything is flushed; the machine may be cut off now.
    Stopped,
}

/// To a running command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCommand {
    /// New size of the terminal.
    Resize(TerminalSize),
    /// Send a signal to the command: to the foreground process group of its terminal, or to its
    /// own process group where it has none. Linux signal number.
    Signal(i32),
}

/// From a running command: at most one `Started` or `Failed`, then one `Exited` or `Signaled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromCommand {
    /// It runs.
    Started {
        /// Guest `CLOCK_MONOTONIC` just before `exec`, in nanoseconds.
        started_nanos: u64,
    },
    /// It could not be started; nothing follows.
    Failed {
        /// Decides between status 126 and 127.
        reason: SpawnFailure,
        /// `errno` in the guest.
        errno: i32,
    },
    /// It exited with this status (0–255).
    Exited(u8),
    /// A signal ended it. Linux signal number.
    Signaled(i32),
}

/// Why a command did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnFailure {
    /// No such program: status 127.
    NotFound,
    /// It is there but cannot be executed: status 126.
    NotExecutable,
    /// The working directory cannot be entered: status 125.
    WorkingDirectory,
    /// Anything else, such as no memory: status 125.
    Other,
}

/// All the agent needs to know to make the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestConfig {
    /// [`crate::VERSION`] of the host.
    pub version: u32,
    /// Host name of the guest.
    pub hostname: String,
    /// The caller, made to exist in the guest.
    pub user: User,
    /// virtio-fs shares, in mount order.
    pub shares: Vec<Share>,
    /// The host's wall clock, nanoseconds since 1970-01-01 UTC.
    pub unix_nanos: u64,
    /// TCP ports on the guest's loopback that lead to a vsock port of the host.
    pub forwards: Vec<Forward>,
    /// Kernel modules to load, by name, after the root is mounted (for example `kvm-amd`).
    pub modules: Vec<String>,
    /// Files to be written before the first command, such as the settings of agents. Folders
    /// above them are made; those that are new belong to the file's owner.
    pub files: Vec<File>,
}

/// A file in the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute path.
    pub path: Bytes,
    /// What is in it.
    pub contents: Bytes,
    /// Permission bits.
    pub mode: u32,
    /// It belongs to the caller; otherwise to root.
    pub owned_by_user: bool,
}

/// The caller's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Numeric user id, the same as on the host.
    pub uid: u32,
    /// Numeric primary group id, the same as on the host.
    pub gid: u32,
    /// Name of the primary group.
    pub group: String,
    /// Home directory, the same path as on the host; empty in the guest.
    pub home: Bytes,
}

/// One virtio-fs share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// virtio-fs tag.
    pub tag: String,
    /// Absolute path in the guest.
    pub path: Bytes,
    /// Mount read-only. The device enforces it; this makes the guest's error messages right.
    pub read_only: bool,
}

/// A TCP listener in the guest that leads to a vsock port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Port on 127.0.0.1 and ::1 in the guest.
    pub tcp_port: u16,
    /// Port on the host's side of vsock.
    pub vsock_port: u32,
}

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Program and arguments, byte for byte. Empty: the user's login shell.
    pub argv: Vec<Bytes>,
    /// Variables beside the agent's own `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`; these win. The
    /// element `$PATH` of a `PATH` is replaced by the image's own `PATH`.
    pub env: Vec<(Bytes, Bytes)>,
    /// Working directory, absolute.
    pub cwd: Bytes,
    /// On a terminal of this size; `None`: on three pipes.
    pub terminal: Option<TerminalSize>,
    /// Run as root of the guest instead of the caller.
    pub as_root: bool,
    /// The machine lives as long as this command: when it ends, the agent does what
    /// [`ToAgent::Shutdown`] asks before it reports the status, save for the power-off.
    pub main: bool,
}

/// Rows and columns of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Height.
    pub rows: u16,
    /// Width.
    pub columns: u16,
}
