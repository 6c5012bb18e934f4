//! Confinement of one host process.
//!
//! A device process of qvm is the `qvm` binary executed anew: one thread, a handful of
//! inherited file descriptors, nothing opened yet. It confines itself in two steps:
//!
//! 1. [`enter`], first thing in `main`: namespaces, a root that holds nothing (or one
//!    folder, or parts that were chosen), no capabilities, landlock, limits, and an end tied to
//!    its parent's.
//! 2. [`seal`], when everything is set up and just before the guest's first instruction:
//!    the role's system call filter, on all threads.
//!
//! Layers overlap on purpose. What one layer cannot do on some machine (user namespaces
//! refused by a container, an old kernel without landlock) another still does, and the
//! [`Report`] says which are in force. `enter` fails when no layer keeps the process from
//! the host's files, or when capabilities or `no_new_privs` cannot be given up. Where the
//! caller demands it ([`Profile::strict`]), it fails when any layer is missing.
//!
//! | layer | what it takes away |
//! |---|---|
//! | parent death | outliving the session: `PDEATHSIG` and a pipe whose end kills |
//! | descriptors | everything inherited that was not named |
//! | namespaces | mounts, network, IPC, host name, cgroups, (QEMU, model server: process ids) |
//! | root | every path but those granted |
//! | capabilities | all, in every set, for ever |
//! | landlock | every path but those granted, TCP, abstract sockets, signals |
//! | limits | core files, file sizes, descriptors, threads, locked memory |
//! | seccomp | every system call that the role does not need |
//!
//! # A foreign program
//!
//! Of Linux; on macOS a program has a Seatbelt profile of its own, from its caller.
//!
//! A model server is a program of others' that parses files from the internet and speaks to
//! guests. Between the two steps its launcher starts it, once:
//!
//! ```text
//!  enter(Role::Model) ──▶ start_program ──▶ seal(Role::Model) ──▶ connects to the server
//!  first process of a     forks, executes    may no longer make
//!  new pid namespace      exactly once       processes
//! ```
//!
//! Its root is a [`Root::Tree`]: each file and folder that it can see was opened by the caller,
//! and exactly that is mounted, or nothing runs. The program's own filter is a list of what is
//! allowed, and all else answers `EPERM`. It makes threads but no processes, executes nothing,
//! listens on a Unix socket but connects to nothing, and passes no descriptors. Its landlock
//! rules are a layer below the launcher's, so that it can neither trace nor signal it.
//!
//! # macOS
//!
//! There are no namespaces and no filters, but Seatbelt, which is put around a process by
//! whoever starts it ([`seatbelt`]): before its first instruction, for ever, and whatever it
//! executes. So a process that calls [`enter`] is confined already, and `enter` fails when it is
//! not; what it adds is the end with the parent, the descriptors, and the limits. The machine is
//! one process there: vCPUs, the shared folders and the vsock relay are its threads, and its
//! profile is that of all of them together. [`seal`] has nothing more to take away: a second
//! profile could only repeat the first, as nothing that the process may do at its start is more
//! than what it does later but reading its own program and libraries.
//!
//! # Finding out what was refused
//!
//! On Linux, the filter kills the process with `SIGSYS`. The kernel's audit log names the call:
//! `dmesg | grep type=1326` prints `syscall=NNN`, and `ausyscall NNN` or
//! `/usr/include/asm/unistd_64.h` its name. Where there is no audit log, seal with
//! [`Denied::Trap`]: the process then writes one line to standard error that has the
//! role and the number, and ends. What is refused is the same. A foreign program goes on
//! after a refusal; with [`Denied::Trap`] the kernel's log tells of each.
//!
//! On macOS a refused call fails with `EPERM`, and the system's log tells of it:
//! `log show --last 5m --predicate 'sender == "Sandbox"'`.

mod error;
mod profile;
mod report;
pub mod seatbelt;
mod tree;

mod sys;

pub use error::{Error, Result};
pub use profile::{Denied, Identity, Limits, Profile, Role, Root};
pub use report::{Layer, LayerName, Report, State, Support};
pub use sys::{Child, Confined, enter, probe, seal, start_program};
pub use tree::{Entry, Program, What};
