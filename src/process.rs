//! The processes of a machine: the `qvm` binary executed anew, each with the descriptors it
//! needs and nothing else, confined before it does anything.
//!
//! | process | does | rights | descriptors | sees | landlock | system calls |
//! |---|---|---|---|---|---|---|
//! | `fs`, one a share | FUSE server | the caller's; of root's only those over files | the folder, a vhost-user socket | the folder as `/`: nosuid, nodev, noexec, read-only if asked | regular files, folders, links below `/`; nothing executed | files by descriptor, threads, events; no sockets made, no processes |
//! | `vsock` | guest ports ⇄ session | the caller's or `nobody`'s, no capability | a vhost-user socket, one channel a port | an empty `/` | nothing | sockets it has, a socket pair for each connection |
//! | `vmm` | vCPUs, memory, transport | as `vsock` | KVM, kernel, initrds, root image, console, vhost-user sockets | an empty `/` | nothing | `KVM_RUN` and a few more `ioctl`s, memory, events |
//! | `bridge`, with a model | HTTP filter | as `vsock` | the guest's channels, the link to the supplier, a log | an empty `/` | nothing | as `vsock` |
//! | `model`, of `qvm serve` | launcher of the model server | as `vsock` | a channel | the server's files, read-only | those | a connection to the server, signals to it |
//! | `qemu` (with `tcg`) | instead of `vmm` | as `vsock` | those in its arguments | its program and libraries, read-only; `/dev/null`, `/dev/urandom` | those, read and execute | all but a list, then QEMU's own filter |
//!
//! All have user, mount, network, IPC, UTS and cgroup namespaces of their own (`qemu` and `model`
//! process ids too), no way to gain privileges, no core files, an empty environment, and end with the session.
//! Crate [`confine`] has the details and says what a machine cannot offer.
//!
//! ```text
//!  session ── Launch: order in a memory file, descriptors by number ──▶ /proc/self/exe
//!     ▲                                                                    │ confine::enter
//!     ├── pidfd: its end                                                   │ "@ready" + report
//!     ├── pipe: "@ready", "@failed why", panics, QEMU's complaints ◀───────┤ confine::seal
//!     └── pipe: closed means killed ─────────────────────────────────▶     ▼ serves
//! ```
//!
//! # macOS
//!
//! There are `vmm`, `bridge` and `model`, no more. `vmm` serves the shares and vsock itself, on
//! threads. `vmm` and `bridge` are started through `sandbox-exec`, with a profile that has the
//! shared folders and nothing else of the host's files, no network and no other program
//! ([`confine::seatbelt`]); `model` is not, as it starts the model server into a sandbox of its own.
//! A pipe that closes is all that ties a process to its session there: a kqueue stands for the
//! pidfd, a temporary file for the memory file.
//!
//! # Who starts processes
//!
//! The main thread, and it must not end before the others: the parent-death signal of a process
//! comes with the end of the *thread* that started it.

mod bridge;
mod child;
mod error;
#[cfg(target_os = "linux")]
mod fs;
mod handle;
mod launch;
mod model;
#[cfg(target_os = "linux")]
mod qemu;
mod status;
mod sys;
mod vmm;
#[cfg(target_os = "linux")]
mod vsock;
mod words;

pub use bridge::{BridgeArgs, spawn_bridge};
pub use child::dispatch;
pub use error::Error;
#[cfg(target_os = "linux")]
pub use fs::{FsArgs, spawn_fs};
pub use handle::Process;
#[cfg(target_os = "linux")]
pub use model::SOCKET as MODEL_SOCKET;
pub use model::{ModelArgs, connect as connect_model, spawn_model};
#[cfg(target_os = "linux")]
pub use qemu::{QemuArgs, spawn_qemu};
pub use status::Status;
pub use vmm::{LocalShare, LocalVsock, MachineEnd, MachineExit, VhostUserArgs, VmmArgs, spawn_vmm};
#[cfg(target_os = "linux")]
pub use vsock::{VsockArgs, spawn_vsock};

/// First argument of a process that is not for people.
const MARK: &str = "--qvm-process";

#[cfg(all(test, target_os = "linux"))]
#[path = "process_test.rs"]
mod tests;
