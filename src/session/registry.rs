//! Running machines, found by name: no daemon, no file.
//!
//! Each session listens on an abstract Unix socket (unix(7)) named `qvm/<uid>/<name>`. The kernel
//! removes it with the process, however that ends, and lists it in /proc/net/unix, which is what
//! `qvm ps` reads. Both ends check that the other has the same user id, since anybody on the
//! machine may connect to such a name, or take it.

use std::{
    io,
    os::{
        fd::AsFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    time::Duration,
};

use agent_protocol::{CommandSpec, read_frame, write_frame};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::sockopt::socket_peercred,
    time::Timespec,
};
use serde::{Deserialize, Serialize};

use super::{
    attach::{Connections, Streams, spawn},
    event::{Event, Events},
};
use crate::descriptors;

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
    /// `kvm` or `tcg`.
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

fn address(name: &str) -> io::Result<SocketAddr> {
    let uid = rustix::process::getuid().as_raw();
    SocketAddr::from_abstract_name(format!("qvm/{uid}/{name}"))
}

fn same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(socket_peercred(stream)?.uid == rustix::process::getuid())
}

/// Registers this session under `info.name` and answers for it on a thread.
///
/// # Errors
/// [`Error::NameTaken`] if the name is in use.
pub fn register(info: Info, events: Events) -> Result<(), Error> {
    let listener = UnixListener::bind_addr(&address(&info.name)?).map_err(|e| match e.kind() {
        io::ErrorKind::AddrInUse => Error::NameTaken(info.name.clone()),
        _ => Error::Io(e),
    })?;
    spawn("registry", move || {
        for client in listener.incoming().flatten() {
            // One at a time: a client that dawdles is dropped by the time-out.
            let _ = serve(client, &info, &events);
        }
    })?;
    Ok(())
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
    let stream = UnixStream::connect_addr(&address(name)?).map_err(|e| match e.kind() {
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
/// If /proc/net/unix cannot be read.
pub fn list() -> Result<Vec<Info>, Error> {
    let table = std::fs::read_to_string("/proc/net/unix")?;
    let mut all: Vec<Info> = names(&table, rustix::process::getuid().as_raw())
        .iter()
        .filter_map(|name| info(name).ok())
        .collect();
    all.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
    Ok(all)
}

fn info(name: &str) -> Result<Info, Error> {
    let stream = connect(name)?;
    stream.set_read_timeout(Some(GLANCE))?;
    write_frame(&stream, &Request::Info)?;
    Ok(read_frame(&stream)?)
}

/// Names in a /proc/net/unix table that listen (`__SO_ACCEPTCON`, flag 0x10000) for `uid`.
fn names(table: &str, uid: u32) -> Vec<String> {
    let prefix = format!("@qvm/{uid}/");
    let listening = table.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let flags = fields.nth(3)?;
        let path = fields.last()?;
        let name = path.strip_prefix(prefix.as_str())?;
        (flags == "00010000").then(|| name.to_owned())
    });
    let mut names: Vec<String> = listening.collect();
    names.sort();
    names.dedup();
    names
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
    let mut polled = [PollFd::new(client, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).is_ok()
        && !polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Tells a waiting client that its command cannot run.
pub fn refuse(client: &UnixStream, why: &str) {
    let _ = write_frame(client, &Answer::Refused(why.into()));
}

/// Hands a command's connections to a waiting client.
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
    descriptors::send(client, &[0], &fds)?;
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
