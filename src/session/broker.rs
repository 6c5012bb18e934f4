//! Connections from the guest: each says what it is for, and is handed to who asked for it.
//!
//! ```text
//!  vsock process ── socket ──▶ accept thread ──▶ opening thread ──▶ Event::{Control, Opened, Dialed}
//! ```
//!
//! Nothing here trusts the guest. An opening has five seconds and [`OPENING_LIMIT`] bytes; at
//! most [`OPENINGS`] are read at once; one that nobody asked for is closed.

use std::{
    collections::HashMap,
    io::{self, Read},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use agent_protocol::{FromAgent, Opening, StreamKind, Token, read_frame};

use super::{
    attach::{Connections, Streams, spawn},
    event::{Event, Events},
};

/// Openings read at the same time.
const OPENINGS: usize = 16;
/// Longest opening frame, its length included. Real ones have at most 24 bytes.
const OPENING_LIMIT: u64 = 64;
/// A guest that connects has to say why within this time.
const OPENING_TIME: Duration = Duration::from_secs(5);

/// What a number stands for, until all its connections are there. They are read on threads, so
/// they come in any order.
#[derive(Debug)]
struct Waiting {
    token: Token,
    what: Expect,
    command: Option<UnixStream>,
    /// Terminal or standard input, standard output, standard error.
    streams: [Option<UnixStream>; 3],
}

impl Waiting {
    /// Where a stream of this kind goes; `None` if the command has no such stream.
    fn slot(&mut self, kind: StreamKind) -> Option<&mut Option<UnixStream>> {
        let index = match (self.what, kind) {
            (Expect::Terminal, StreamKind::Terminal) | (Expect::Pipes, StreamKind::Stdin) => 0,
            (Expect::Pipes, StreamKind::Stdout) => 1,
            (Expect::Pipes, StreamKind::Stderr) => 2,
            _ => return None,
        };
        self.streams.get_mut(index)
    }

    /// True if nothing is missing.
    fn complete(&self) -> bool {
        let streams = match self.what {
            Expect::Terminal => 1,
            Expect::Pipes => 3,
            Expect::Dialed => return false,
        };
        self.command.is_some() && self.streams.iter().take(streams).all(Option::is_some)
    }

    /// The connections, if they are complete.
    fn connections(self) -> Option<Connections> {
        let [first, second, third] = self.streams;
        let streams = match self.what {
            Expect::Terminal => Streams::Terminal(first?),
            _ => Streams::Pipes { stdin: first?, stdout: second?, stderr: third? },
        };
        Some(Connections { command: self.command?, streams })
    }
}

/// Knows which connections are expected.
#[derive(Debug, Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    events: Events,
    waiting: Mutex<HashMap<u32, Waiting>>,
    next: AtomicU32,
    reading: Mutex<usize>,
    slot: Condvar,
    /// The agent has dialed. It does so before anything else runs in the guest, so whoever says
    /// the same later is not the agent.
    controlled: AtomicBool,
}

/// What is expected for a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// A command on a terminal.
    Terminal,
    /// A command on three pipes.
    Pipes,
    /// A dialed TCP connection.
    Dialed,
}

impl Broker {
    /// Accepts the guest's connections that arrive over `channel`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(channel: OwnedFd, events: Events) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            events,
            waiting: Mutex::default(),
            next: AtomicU32::new(1),
            reading: Mutex::new(0),
            slot: Condvar::new(),
            controlled: AtomicBool::new(false),
        });
        let broker = Self { shared };
        let accepting = broker.clone();
        spawn("accept", move || {
            use std::os::fd::AsFd;
            loop {
                let stream = match virtio_devices::vsock::accept(channel.as_fd()) {
                    Ok(Some((_, stream))) => stream,
                    // Without a descriptor left here, a connection comes without its own.
                    Err(e) if e.kind() == io::ErrorKind::InvalidData => continue,
                    Ok(None) | Err(_) => return,
                };
                accepting.shared.take_slot();
                let opening = accepting.clone();
                let started = spawn("opening", move || {
                    opening.open(stream);
                    opening.shared.give_slot();
                });
                if started.is_err() {
                    accepting.shared.give_slot();
                }
            }
        })?;
        Ok(broker)
    }

    /// Draws a number and a token, and expects their connections from now on.
    ///
    /// # Errors
    /// If the kernel has no random bytes.
    pub fn expect(&self, what: Expect) -> io::Result<(u32, Token)> {
        let mut token = Token::default();
        crate::sys::random(&mut token)?;
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting { token, what, command: None, streams: [None, None, None] };
        self.shared.waiting().insert(id, waiting);
        Ok((id, token))
    }

    /// Gives up on a number.
    pub fn forget(&self, id: u32) {
        self.shared.waiting().remove(&id);
    }

    fn open(&self, stream: UnixStream) {
        if stream.set_read_timeout(Some(OPENING_TIME)).is_err() {
            return;
        }
        let Ok(opening) = read_frame::<Opening>((&stream).take(OPENING_LIMIT)) else { return };
        if stream.set_read_timeout(None).is_err() {
            return;
        }
        if let Some(event) = self.shared.place(opening, stream) {
            // A session that is over closes the connection by dropping it.
            let _ = self.shared.events.send(event);
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u32, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_slot(&self) {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = self
            .slot
            .wait_while(reading, |n| *n >= OPENINGS)
            .unwrap_or_else(PoisonError::into_inner);
        *reading += 1;
    }

    fn give_slot(&self) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.slot.notify_one();
    }

    /// Puts a connection where it belongs; says what became complete. Dropping `stream` closes it.
    fn place(&self, opening: Opening, stream: UnixStream) -> Option<Event> {
        match opening {
            Opening::Control { .. } if self.controlled.swap(true, Ordering::Relaxed) => None,
            Opening::Control { version } if version == agent_protocol::VERSION => {
                Some(Event::Control(stream))
            }
            Opening::Control { version } => Some(Event::Agent(FromAgent::Fatal(format!(
                "the agent speaks protocol {version} and qvm speaks {}: rebuild with scripts/build",
                agent_protocol::VERSION
            )))),
            Opening::Stream { id, token, kind } => self.put(id, token, |waiting| {
                waiting.slot(kind)?.get_or_insert(stream);
                Some(())
            }),
            Opening::Command { id, token } => self.put(id, token, |waiting| {
                waiting.command.get_or_insert(stream);
                Some(())
            }),
            Opening::Dialed { id, token } => {
                let mut waiting = self.waiting();
                let entry = waiting.get(&id)?;
                if entry.token != token || entry.what != Expect::Dialed {
                    return None;
                }
                waiting.remove(&id);
                Some(Event::Dialed(id, stream))
            }
        }
    }

    /// Puts a connection of a command in its place; gives all of them when it was the last.
    fn put(
        &self,
        id: u32,
        token: Token,
        place: impl FnOnce(&mut Waiting) -> Option<()>,
    ) -> Option<Event> {
        let mut waiting = self.waiting();
        let entry = waiting.get_mut(&id).filter(|entry| entry.token == token)?;
        place(entry)?;
        if !entry.complete() {
            return None;
        }
        let connections = waiting.remove(&id)?.connections()?;
        Some(Event::Opened(id, connections))
    }
}

#[cfg(test)]
#[path = "broker_test.rs"]
mod tests;
