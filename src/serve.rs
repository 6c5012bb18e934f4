//! The model server: one sandboxed llama-server a user, shared by the machines of that user.
//!
//! ```text
//!  qvm (a run) ── control socket ──▶ qvm serve ── channel ──▶ qvm-model ──▶ llama-server
//!    └─ qvm-bridge ───── link ─────────┘   main thread: state            in its sandbox
//! ```
//!
//! `qvm serve` is started by the user, or by the first run that needs a model. It listens on an
//! abstract socket like a machine's session does, so no file is left however it ends, and the
//! server it started ends with it. Each machine holds a [`link`](host_bridge::link): as long as
//! there is one the server stays, and some time after.
//!
//! The main thread starts and stops servers, because a process of ours dies with the thread that
//! started it. Threads of links and of the control socket wait for what it brings about.
//!
//! ```text
//!            Load                  healthy
//!   idle ───────────▶ starting ───────────▶ running
//!    ▲                 │    ▲                │   │
//!    ├──── failed ─────┘    └─ another model ┘   │
//!    └──── the server ended ─────────────────────┘
//! ```
//!
//! A switch that fails loads the model before again; a server that ended is started again by the
//! next request.

mod attach;
mod control;
mod daemon;
mod health;
mod log;
mod probe;
mod sandbox;
mod supervisor;
mod upstream;
pub mod weights;

pub use attach::{Attached, Error as AttachError, attach};
pub use control::{Choice, Error, Info, by_hand, info, stop, switch};
pub use daemon::{Options, choose, run};
pub use probe::{Computed, compute};
pub use sandbox::{Error as SandboxError, usable, version};
pub use upstream::Upstream;
