//! Running machines, found by name: no daemon, and on Linux no file.
//!
//! Each session listens under its name ([`sys::names`](crate::sys::names)), and tells `qvm ps` what
//! it is. Both ends check that the other has the same user id, since on Linux anybody on the
//! machine may connect to such a name, or take it.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    time::Duration,
};

use agent_protocol::{CommandSpec, read_frame, write_frame};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use serde::{Deserialize, Serialize};

use super::{
    attach::{Connections, Streams, spawn},
    event::{Event, Events},
};
use crate::{
    descriptors,
    sys::{names, same_user},
};

/// How long either side waits for the other's next message.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a machine that is only looked at: one that is stopped (SIGSTOP) must not hold up
/// the start of others for long.
const GLANCE: Duration = Duration::from_secs(2);

/// What a session tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Name of the machine.
    pub name: String,
    /// Process id of qvm.
    pub pid: u32,
    /// The workspace.
    pub workspace: String,
    /// The command, for people to read.
    pub command: String,
    /// `kvm`, `hvf` or `tcg`.
    pub accel: String,
    /// When it started, seconds since 1970-01-01 UTC.
    pub started: u64,
}

/// First frame from a client.
#[derive(Debug, Serialize, Deserialize)]
enum Request {
    /// Answered with [`Info`].
    Info,
    /// Answered with [`Answer`], and the command's connections with the first byte after it.
    Exec(CommandSpec),
}

/// Answer to [`Request::Exec`].
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// The connections follow: command, then terminal or stdin, stdout, stderr.
    Connections,
    /// It cannot be done.
    Refused(String),
}

/// Why another machine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens under that name.
    #[error("no machine named {0} runs here; `qvm ps` lists those that do")]
    NotFound(String),
    /// Another machine already has the name.
    #[error("a machine named {0} already runs; choose another --name, or use `qvm exec {0} -- …`")]
    NameTaken(String),
    /// Another user holds the name.
    #[error("the machine's socket belongs to another user")]
    Stranger,
    /// The session refuses.
    #[error("{0}")]
    Refused(String),
    /// The session does not answer as it should.
    #[error("the machine's session did not answer")]
    Frame(#[from] agent_protocol::FrameError),
    /// The socket broke.
    #[error("the machine's session cannot be reached")]
    Io(#[from] io::Error),
}

/// What sockets of machines are called by.
const KIND: &str = "qvm";

/// Registers this session under `info.name` and answers for it on a thread. The name is to be held
/// as long as the session lasts.
///
/// # Errors
/// [`Error::NameTaken`] if the name is in use.
pub fn register(info: Info, events: Events) -> Result<names::Name, Error> {
    let (listener, name) = names::listen(KIND, &info.name).map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => Error::NameTaken(info.name.clone()),
        _ => Error::Io(e),
    })?;
    spawn("registry", move || {
        for client in listener.incoming().flatten() {
            // One at a time: a client that dawdles is dropped by the time-out.
            let _ = serve(client, &info, &events);
        }
    })?;
    Ok(name)
}

fn serve(client: UnixStream, info: &Info, events: &Events) -> Result<(), Error> {
    if !same_user(&client)? {
        return Err(Error::Stranger);
    }
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    match read_frame(&client)? {
        Request::Info => write_frame(&client, info)?,
        Request::Exec(command) => {
            let _ = events.send(Event::Exec(command, client));
        }
    }
    Ok(())
}

fn connect(name: &str) -> Result<UnixStream, Error> {
    let stream = names::connect(KIND, name).map_err(|e| match e.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Error::NotFound(name.into()),
        _ => Error::Io(e),
    })?;
    if !same_user(&stream)? {
        return Err(Error::Stranger);
    }
    Ok(stream)
}

/// The machines of this user that run now and answer.
///
/// # Errors
/// If names cannot be listed.
pub fn list() -> Result<Vec<Info>, Error> {
    let mut all: Vec<Info> =
        names::all(KIND)?.iter().filter_map(|stream| info(stream).ok()).collect();
    all.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
    Ok(all)
}

fn info(stream: &UnixStream) -> Result<Info, Error> {
    if !same_user(stream)? {
        return Err(Error::Stranger);
    }
    stream.set_read_timeout(Some(GLANCE))?;
    write_frame(stream, &Request::Info)?;
    Ok(read_frame(stream)?)
}

/// Asks the machine `name` to run a command; gives its connections.
///
/// # Errors
/// [`Error`]; the command does not run then.
pub fn exec(name: &str, command: CommandSpec) -> Result<Connections, Error> {
    let terminal = command.terminal.is_some();
    let stream = connect(name)?;
    write_frame(&stream, &Request::Exec(command))?;
    match read_frame(&stream)? {
        Answer::Refused(why) => Err(Error::Refused(why)),
        Answer::Connections => receive(&stream, terminal),
    }
}

/// False once a client that waits for its command has gone away.
pub fn is_there(client: &UnixStream) -> bool {
    // macOS looks only for what it is asked for.
    let mut polled = [PollFd::new(client, PollFlags::HUP)];
    poll(&mut polled, Some(&Timespec::default())).is_ok()
        && !polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Tells a waiting client that its command cannot run.
pub fn refuse(client: &UnixStream, why: &str) {
    let _ = write_frame(client, &Answer::Refused(why.into()));
}

/// Hands a command's connections to a waiting client, and waits until it has them.
///
/// # Errors
/// If the client is gone.
pub fn hand_over(client: &UnixStream, connections: &Connections) -> Result<(), Error> {
    write_frame(client, &Answer::Connections)?;
    let mut fds = vec![connections.command.as_fd()];
    match &connections.streams {
        Streams::Terminal(stream) => fds.push(stream.as_fd()),
        Streams::Pipes { stdin, stdout, stderr } => {
            fds.extend([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]);
        }
    }
    descriptors::hand(client, &[0], &fds)?;
    Ok(())
}

fn receive(stream: &UnixStream, terminal: bool) -> Result<Connections, Error> {
    let (_, fds) = descriptors::receive(stream, &mut [0])?;
    let mut sockets = fds.into_iter().map(UnixStream::from);
    let mut next = || {
        sockets.next().ok_or_else(|| Error::Refused("the session sent too few connections".into()))
    };
    let command = next()?;
    let streams = if terminal {
        Streams::Terminal(next()?)
    } else {
        Streams::Pipes { stdin: next()?, stdout: next()?, stderr: next()? }
    };
    Ok(Connections { command, streams })
}

#[cfg(test)]
#[path = "registry_test.rs"]
mod tests;
