//! Models and the program that serves them: profiles, weights, downloads, arguments.
//!
//! Everything here is pure or works on files; the only program it starts is `curl`, which fetches
//! weights, and nothing here talks to a guest or to a running server.
//!
//! ```text
//! models.toml ─ config ─▶ Profile ─ source ─▶ hub, file ─▶ Weights (checked by gguf)
//!                            │                                │
//!                            ▼                                ▼
//!               server (which program) ──▶ arguments, gpu ──▶ the supervisor
//! ```
#![forbid(unsafe_code)]

pub mod arguments;
pub mod config;
pub mod curl;
pub mod download;
pub mod edit;
mod elf;
pub mod flags;
#[doc(hidden)]
pub mod fuzzing;
pub mod gguf;
pub mod gpu;
pub mod hub;
pub mod import;
pub mod profile;
mod programs;
pub mod server;
pub mod source;
#[cfg(test)]
mod test_server;
pub mod units;
pub mod weights;
pub mod words;

pub use arguments::{Inside, arguments, banner, context_note, context_of};
pub use config::{ConfigError, Gpu, Models};
pub use curl::Curl;
pub use download::{DownloadError, Progress, Step, Store};
pub use elf::loader_of as loader;
pub use flags::FlagError;
pub use profile::{GpuLayers, Id, Profile, Sampling};
pub use server::{Backend, Kind, Layout, Search, Server, ServerError};
pub use source::{Choice, Repo, Source, SourceError};
pub use weights::{Part, Weights, WeightsError};
