//! Between a bridge and who supplies the model: a [`pair`](crate::pair) that carries one
//! JSON message a packet.
//!
//! ```text
//!  guest ─ HTTP ─▶ bridge ── Packet<Ask> ───────────▶ supplier ──▶ model server
//!                     ◀── Packet<Answer> (+ socket) ──┘
//! ```
//!
//! The bridge has no files and can make no sockets: [`Ask::Connect`] brings it a connection. It
//! may have been taken over by its guest, so the supplier does what is listed here and no more.
//! Closing the pair gives the model up; a shared server counts its users by it.

mod client;
mod packet;
mod server;
mod transit;

use serde::{Deserialize, Serialize};

pub(crate) use client::Link;
pub use server::{Supplier, serve};

/// Longest packet, in bytes.
pub const MAX_PACKET: usize = 64 << 10;

/// A message with the number that joins question and answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// Chosen by the bridge; answers come in any order.
    pub id: u32,
    /// The question or the answer.
    pub body: T,
}

/// What a bridge may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// A connection to the model server.
    Connect {
        /// Wait while a model is being loaded, as long as that takes; otherwise
        /// [`Failure::Loading`] at once.
        wait: bool,
    },
    /// Load another of the configured models. The answer comes once it serves, at most 300 s later.
    Switch {
        /// Its id, one of [`Entry::id`].
        model: String,
    },
    /// The configured models.
    Models,
    /// What is loaded.
    Status,
    /// No question: the connection that came with the answer of this number is here. Said on
    /// macOS, where one that is on its way must stay open at its sender. No answer comes.
    Arrived,
}

/// What a supplier answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The packet carries one connected stream socket (`SCM_RIGHTS`).
    Connected,
    /// It serves now.
    Switched(Status),
    /// In the order of the configuration, without those that are hidden.
    Models(Vec<Entry>),
    /// What is loaded.
    Status(Status),
    /// It cannot be done.
    Failed(Failure),
}

/// A configured model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Short name in `models.toml`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Context in tokens, where it is configured or known.
    pub context: Option<u32>,
    /// It is loaded.
    pub active: bool,
}

/// What a supplier does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No server runs.
    Idle,
    /// A model is being loaded.
    Starting,
    /// A model serves.
    Running,
}

/// What is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What goes on.
    pub state: State,
    /// Id of the model that is loaded or being loaded; the name that requests get.
    pub model: String,
    /// Its name for people.
    pub name: String,
    /// Context in tokens, where known.
    pub context: Option<u32>,
}

/// Why a supplier does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "lowercase", tag = "why", content = "text")]
pub enum Failure {
    /// No such id.
    #[error("there is no model {0}")]
    Unknown(String),
    /// Another switch goes on.
    #[error("another model is being loaded already")]
    Busy,
    /// The model is still being loaded.
    #[error("the model is being loaded")]
    Loading,
    /// This supplier cannot switch: the server is somebody else's.
    #[error("{0}")]
    Fixed(String),
    /// The server does not run or does not answer. One line, fit for a guest: no host paths.
    #[error("{0}")]
    Down(String),
}

/// Takes a connection that a test sends over a channel.
#[cfg(test)]
pub(crate) fn accept_for_tests(
    channel: std::os::fd::BorrowedFd<'_>,
) -> std::io::Result<Option<std::os::unix::net::UnixStream>> {
    let mut inbox = packet::Inbox::new();
    let received = inbox.receive(channel)?;
    received
        .map(|r| r.socket.map(Into::into).ok_or(std::io::ErrorKind::InvalidData.into()))
        .transpose()
}
