//! The supplier's end: answers what a bridge asks.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::packet::{self, Inbox, Received};
use super::transit::Transit;
use super::{Answer, Ask, Entry, Failure, Packet, Status};

/// Asks of one bridge that may wait at the same time.
const MAX_WAITING: usize = 64;

/// Who has a model server. Methods are called from several threads at once.
pub trait Supplier: Send + Sync + 'static {
    /// A connected stream socket to the model server. With `wait`, waits while a model is being
    /// loaded; without, says [`Failure::Loading`] at once.
    ///
    /// # Errors
    /// There is no server to connect to.
    fn connect(&self, wait: bool) -> Result<OwnedFd, Failure>;

    /// Loads another model; returns once it serves.
    ///
    /// # Errors
    /// It is unknown, another switch goes on, or the server did not come up.
    fn switch(&self, model: &str) -> Result<Status, Failure>;

    /// The configured models, without those that are hidden. Does not wait.
    fn models(&self) -> Vec<Entry>;

    /// What is loaded. Does not wait.
    fn status(&self) -> Status;
}

/// Answers a bridge until it closes its end.
///
/// Whatever may wait has a thread of its own, 64 at most; more are refused. A packet that is no
/// question is dropped, descriptors that come along are closed. Threads that still wait when the
/// bridge is gone end by themselves.
///
/// # Errors
/// If the socket breaks.
pub fn serve(link: OwnedFd, supplier: Arc<dyn Supplier>) -> io::Result<()> {
    serve_and_keep(link, supplier, crate::sys::ACKNOWLEDGED)
}

/// The same. `keep`: connections stay open until the bridge has them.
fn serve_and_keep(link: OwnedFd, supplier: Arc<dyn Supplier>, keep: bool) -> io::Result<()> {
    let transit = keep.then(Transit::default);
    let link = Arc::new(Line { socket: link, sending: Mutex::new(()), transit });
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut inbox = Inbox::new();
    while let Some(Received { bytes, socket }) = inbox.receive(link.socket.as_fd())? {
        drop(socket);
        let Some(Packet { id, body }) = packet::parse::<Ask>(bytes) else {
            continue;
        };
        match body {
            Ask::Models => reply(&link, id, Answer::Models(supplier.models()), None),
            Ask::Status => reply(&link, id, Answer::Status(supplier.status()), None),
            Ask::Arrived => link.transit.iter().for_each(|transit| transit.arrived(id)),
            Ask::Connect { wait } => on_thread(&link, id, &waiting, &supplier, move |supplier| {
                supplier.connect(wait).map(|socket| (Answer::Connected, Some(socket)))
            }),
            Ask::Switch { model } => on_thread(&link, id, &waiting, &supplier, move |supplier| {
                supplier.switch(&model).map(|status| (Answer::Switched(status), None))
            }),
        }
    }
    Ok(())
}

/// The connection, on which threads answer in turn.
struct Line {
    socket: OwnedFd,
    sending: Mutex<()>,
    transit: Option<Transit>,
}

/// Answers what may take long on a thread of its own, if one is left.
fn on_thread(
    link: &Arc<Line>,
    id: u32,
    waiting: &Arc<AtomicUsize>,
    supplier: &Arc<dyn Supplier>,
    ask: impl FnOnce(&dyn Supplier) -> Result<(Answer, Option<OwnedFd>), Failure> + Send + 'static,
) {
    if let Some(place) = Place::take(waiting) {
        let (link, supplier) = (Arc::clone(link), Arc::clone(supplier));
        let work = move || {
            let _place = place;
            let failed = |failure| (Answer::Failed(failure), None);
            let (answer, socket) = ask(&*supplier).unwrap_or_else(failed);
            reply(&link, id, answer, socket);
        };
        if std::thread::Builder::new().name("link".into()).spawn(work).is_ok() {
            return;
        }
    }
    let full = Failure::Down("too many requests wait for the model".into());
    reply(link, id, Answer::Failed(full), None);
}

/// A bridge that is gone, or an answer that does not fit a packet, is nobody's loss but its own.
fn reply(link: &Line, id: u32, body: Answer, socket: Option<OwnedFd>) {
    let _alone = link.sending.lock().unwrap_or_else(PoisonError::into_inner);
    let line = link.socket.as_fd();
    // Before it is sent: the bridge may have it at once.
    if let (Some(transit), Some(socket)) = (&link.transit, &socket) {
        if let Ok(copy) = socket.try_clone() {
            transit.keep(id, copy);
        }
    }
    if packet::send(line, &Packet { id, body }, socket.as_ref().map(AsFd::as_fd)).is_err() {
        link.transit.iter().for_each(|transit| transit.arrived(id));
        let body = Answer::Failed(Failure::Down("the answer could not be sent".into()));
        let _ = packet::send(line, &Packet { id, body }, None);
    }
}

/// One of the threads that may wait; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "server_test.rs"]
mod tests;
