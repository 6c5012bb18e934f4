//! Everything that can happen to a session, on one channel. Threads report; only the session's
//! own thread decides.

use std::{net::TcpStream, os::unix::net::UnixStream, sync::mpsc};

use agent_protocol::{CommandSpec, FromAgent};

use super::attach::{Attached, Connections};

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The agent dialed its control connection; the peer's version is checked.
    Control(UnixStream),
    /// The agent said something.
    Agent(FromAgent),
    /// The control connection ended or is unreadable, with the reason.
    AgentLost(String),
    /// All connections of the command with this number are there.
    Opened(u32, Connections),
    /// The TCP connection with this number is there.
    Dialed(u32, UnixStream),
    /// The session's own command.
    Attached(Attached),
    /// A signal for qvm.
    Signal(i32),
    /// One of our processes ended: its place in the session's list.
    Ended(usize),
    /// `qvm exec` asks for a command.
    Exec(CommandSpec, UnixStream),
    /// Somebody connected to a published port: the port in the guest.
    Published(TcpStream, u16),
}

/// Where threads report. A receiver that is gone means that the session is over.
pub type Events = mpsc::Sender<Event>;
