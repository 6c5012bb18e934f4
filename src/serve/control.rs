//! The way to a model server that runs: a socket with a name, and what may be asked there.
//!
//! Only the same user is answered. This is not the guest's way: that is the link, which can do
//! less.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
};

use agent_protocol::{FrameError, read_frame, write_frame};
use host_bridge::link::State;
use serde::{Deserialize, Serialize};

use crate::{
    descriptors,
    sys::{names, same_user},
};

/// Which model is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// One of `models.toml`.
    Id(String),
    /// Weights that nobody configured: a source as on the command line, paths absolute.
    Source(String),
}

/// What a model server tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Process id of `qvm serve`.
    pub pid: u32,
    /// Id of the model that is loaded or being loaded.
    pub model: String,
    /// Its name for people.
    pub name: String,
    /// Where its weights come from.
    pub source: String,
    /// A run started it; nobody chose its model by hand.
    pub on_demand: bool,
    /// What goes on.
    pub state: State,
    /// Context in tokens, once known.
    pub context: Option<u32>,
    /// Machines that use it.
    pub users: usize,
    /// Why no model is loaded, on one line.
    pub failure: Option<String>,
    /// The program that serves.
    pub program: String,
    /// Devices it may use, none for the CPU.
    pub devices: Vec<String>,
    /// It serves Anthropic's `/v1/messages`, once known.
    pub messages: Option<bool>,
}

/// What may be asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Answered with [`Answer::Info`].
    Info,
    /// The same, once a model is loaded or has failed to.
    Ready,
    /// Answered with [`Answer::Info`], and a link with the first byte after it.
    Link,
    /// Load this one; answered as [`Request::Ready`] is.
    Switch(Choice),
    /// End. Answered with [`Answer::Info`] before it does.
    Stop,
}

/// Answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Info(Box<Info>),
    Refused(String),
}

/// Why a model server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens.
    #[error("no model server runs; `qvm serve` starts one")]
    None,
    /// One listens already.
    #[error("a model server runs already{}; `qvm models switch` changes its model, `qvm serve --stop` ends it", .0.as_ref().map(|info| format!(" (pid {}, model {})", info.pid, info.name)).unwrap_or_default())]
    Taken(Option<Box<Info>>),
    /// Another user holds the name.
    #[error("the model server's socket belongs to another user")]
    Stranger,
    /// It will not.
    #[error("{0}")]
    Refused(String),
    /// It does not answer as it should.
    #[error("the model server did not answer")]
    Frame(#[from] FrameError),
    /// The socket broke.
    #[error("the model server cannot be reached")]
    Io(#[from] io::Error),
}

/// What sockets of model servers are called by.
const KIND: &str = "qvm-serve";

/// Distinguishes servers of one user; tests have their own.
fn name() -> String {
    std::env::var("QVM_SERVE_NAME").unwrap_or_else(|_| "serve".into())
}

/// Listens. The name is to be held as long.
///
/// # Errors
/// [`Error::Taken`] if another server does.
pub(super) fn listen() -> Result<(UnixListener, names::Name), Error> {
    names::listen(KIND, &name()).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::Taken(info().ok().map(Box::new)),
        _ => Error::Io(error),
    })
}

/// A connection to the server that runs.
#[derive(Debug)]
pub(super) struct Connection(UnixStream);

impl Connection {
    /// # Errors
    /// [`Error::None`] if there is none.
    pub(super) fn open() -> Result<Self, Error> {
        let stream = names::connect(KIND, &name()).map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Error::None,
            _ => Error::Io(error),
        })?;
        if !same_user(&stream)? {
            return Err(Error::Stranger);
        }
        Ok(Self(stream))
    }

    /// Asks and waits for the answer.
    pub(super) fn ask(&self, request: &Request) -> Result<Info, Error> {
        write_frame(&self.0, request)?;
        match read_frame(&self.0)? {
            Answer::Info(info) => Ok(*info),
            Answer::Refused(why) => Err(Error::Refused(why)),
        }
    }

    /// Asks for a link.
    pub(super) fn link(&self) -> Result<(Info, OwnedFd), Error> {
        let info = self.ask(&Request::Link)?;
        let (_, mut links) = descriptors::receive(&self.0, &mut [0])?;
        let link = links.pop();
        Ok((info, link.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?))
    }
}

/// Hands a link over, after the answer to [`Request::Link`].
pub(super) fn hand_over(client: &UnixStream, link: &OwnedFd) -> io::Result<()> {
    descriptors::hand(client, &[0], &[link.as_fd()])
}

/// What the server that runs tells.
///
/// # Errors
/// [`Error::None`] if there is none.
pub fn info() -> Result<Info, Error> {
    Connection::open()?.ask(&Request::Info)
}

/// Whether a server runs that somebody started by hand.
pub fn by_hand() -> bool {
    info().is_ok_and(|info| !info.on_demand)
}

/// Has the server that runs load another model, and waits until it has.
///
/// # Errors
/// [`Error`]; the model before is loaded again then.
pub fn switch(choice: Choice) -> Result<Info, Error> {
    Connection::open()?.ask(&Request::Switch(choice))
}

/// Ends the server that runs.
///
/// # Errors
/// [`Error::None`] if there is none.
pub fn stop() -> Result<Info, Error> {
    let connection = Connection::open()?;
    let info = connection.ask(&Request::Stop)?;
    // It closes the connection when its server is gone.
    let _ = read_frame::<Answer>(&connection.0);
    Ok(info)
}
