//! What qvm on the host and the agent in the guest say to each other.
//!
//! The guest dials; the host never does. Every connection goes from the guest to
//! [`AGENT_PORT`] on the host (vsock CID 2) and begins with one [`Opening`] frame that says
//! what it is for. Frames are described in [`frame`].
//!
//! ```text
//!  guest                                         host
//!  ── connect ── Opening::Control ─────────────▶       one, for the life of the machine
//!  ◀──────────── ToAgent::Configure ───────────
//!  ─── FromAgent::Ready ───────────────────────▶
//!  ◀──────────── ToAgent::Spawn{id, token} ────       any number, also before Ready
//!  ── connect ── Opening::Command{id, token} ──▶       then ToCommand ⇄ FromCommand
//!  ── connect ── Opening::Stream{id, token} ───▶       then raw bytes: one each for stdin,
//!                                                      stdout, stderr; or one for a terminal
//! ```
//!
//! The connections of one command may arrive in any order. End of input is a half-close of the stream. The
//! agent sends `Exited`/`Signaled` only after every byte of output is in the streams and they
//! are shut down.
//!
//! Anything in the guest can dial the port. The token, drawn by the host for each command,
//! keeps unprivileged programs in the guest from passing for the agent; the host trusts no
//! answer either way.
#![forbid(unsafe_code)]

mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod image;
mod message;

pub use frame::{FrameError, MAX_FRAME, read_frame, write_frame};
pub use image::{IMAGE_CONFIG, ImageConfig, ImageConfigError, MAX_IMAGE_CONFIG};
pub use message::*;

/// Version of this protocol. Both sides refuse any other.
pub const VERSION: u32 = 2;

/// The vsock port on the host that the agent dials.
pub const AGENT_PORT: u32 = 1024;

/// Context id of the host, fixed by the virtio specification (5.10.4).
pub const HOST_CID: u64 = 2;

/// Context id of the guest. Each machine has a vsock device of its own, so one number serves all.
pub const GUEST_CID: u64 = 3;

/// The virtio-fs tag of the workspace. Further shares are `share1`, `share2`, …
pub const WORKSPACE_TAG: &str = "workspace";
