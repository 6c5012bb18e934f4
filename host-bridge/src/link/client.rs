//! The bridge's end: asks, and hands each answer to who waits for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::packet::{self, Inbox, Received};
use super::{Answer, Ask, Entry, Failure, Packet, Status};

/// Questions whose answer has not come; more wait for their turn.
const MAX_ASKS: usize = 256;
/// Of them, those that keep one of the supplier's threads: half of what it has.
const MAX_WAITING: usize = 32;

type Reply = (Answer, Option<OwnedFd>);

/// Somebody waits for an answer, or gave up: the place is taken until the answer comes.
struct Pending {
    reply: oneshot::Sender<Reply>,
    _places: Vec<OwnedSemaphorePermit>,
}

/// The connection to the supplier.
pub(crate) struct Link {
    socket: UnixDatagram,
    pending: RefCell<HashMap<u32, Pending>>,
    next: Cell<u32>,
    closed: Cell<bool>,
    asks: std::sync::Arc<Semaphore>,
    waiting: std::sync::Arc<Semaphore>,
}

impl Link {
    /// Must be called in the runtime's context.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            socket: crate::io::packets(socket)?,
            pending: RefCell::default(),
            next: Cell::new(0),
            closed: Cell::new(false),
            asks: std::sync::Arc::new(Semaphore::new(MAX_ASKS)),
            waiting: std::sync::Arc::new(Semaphore::new(MAX_WAITING)),
        }))
    }

    /// Receives answers until the supplier is gone; from then on every question fails.
    pub(crate) async fn run(&self) {
        let mut inbox = Inbox::new();
        loop {
            if self.socket.readable().await.is_err() {
                break;
            }
            let (inbox, socket) = (&mut inbox, self.socket.as_fd());
            match self.socket.try_io(Interest::READABLE, move || inbox.receive(socket)) {
                Ok(Some(Received { bytes, socket })) => self.take(bytes, socket),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.closed.set(true);
        self.pending.borrow_mut().clear();
    }

    fn take(&self, bytes: &[u8], socket: Option<OwnedFd>) {
        if let Some(Packet { id, body }) = packet::parse(bytes) {
            if crate::sys::ACKNOWLEDGED && socket.is_some() {
                self.arrived(id);
            }
            if let Some(pending) = self.pending.borrow_mut().remove(&id) {
                // Who asked may be gone; the socket is closed then.
                let _ = pending.reply.send((body, socket));
            }
        }
    }

    /// Says that a connection is here. A supplier whose buffer is full, which it never is for long,
    /// closes its copy later.
    fn arrived(&self, id: u32) {
        let packet = Packet { id, body: Ask::Arrived };
        let send = || packet::send(self.socket.as_fd(), &packet, None);
        let _ = self.socket.try_io(Interest::WRITABLE, send);
    }

    async fn ask(&self, ask: Ask) -> Result<Reply, Failure> {
        let gone = || Failure::Down("whoever runs the model server is gone".into());
        let mut places = Vec::new();
        if matches!(ask, Ask::Connect { wait: true } | Ask::Switch { .. }) {
            places.push(self.waiting.clone().acquire_owned().await.map_err(|_| gone())?);
        }
        places.push(self.asks.clone().acquire_owned().await.map_err(|_| gone())?);
        let (reply, answer) = oneshot::channel();
        let id = self.number();
        let packet = Packet { id, body: ask };
        loop {
            if self.closed.get() {
                return Err(gone());
            }
            self.socket.writable().await.map_err(|_| gone())?;
            let send = || packet::send(self.socket.as_fd(), &packet, None);
            match self.socket.try_io(Interest::WRITABLE, send) {
                Ok(()) => break,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(gone()),
            }
        }
        // The answer cannot have been read yet: nothing else ran since it was sent.
        self.pending.borrow_mut().insert(id, Pending { reply, _places: places });
        match answer.await {
            Ok((Answer::Failed(failure), _)) => Err(failure),
            Ok(reply) => Ok(reply),
            Err(_) => Err(gone()),
        }
    }

    fn number(&self) -> u32 {
        let pending = self.pending.borrow();
        let mut id = self.next.get();
        while pending.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        self.next.set(id.wrapping_add(1));
        id
    }

    /// A connection to the model server.
    pub(crate) async fn connect(&self, wait: bool) -> Result<tokio::net::UnixStream, Failure> {
        match self.ask(Ask::Connect { wait }).await? {
            (Answer::Connected, Some(socket)) => crate::io::stream(UnixStream::from(socket))
                .map_err(|e| Failure::Down(format!("the connection cannot be used: {}", e.kind()))),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn switch(&self, model: &str) -> Result<Status, Failure> {
        match self.ask(Ask::Switch { model: model.into() }).await? {
            (Answer::Switched(status), _) => Ok(status),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn models(&self) -> Result<Vec<Entry>, Failure> {
        match self.ask(Ask::Models).await? {
            (Answer::Models(entries), _) => Ok(entries),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn status(&self) -> Result<Status, Failure> {
        match self.ask(Ask::Status).await? {
            (Answer::Status(status), _) => Ok(status),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> Failure {
    Failure::Down("whoever runs the model server gave another answer than was asked for".into())
}

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
