//! The process's loop: takes connections and serves each in a task.

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local};

use crate::intake::Memory;
use crate::io::{Clock, Io, Signals, packets, stream};
use crate::limits::Limits;
use crate::link::Link;
use crate::log::Log;
use crate::outgoing::{Cut, Outgoing};
use crate::{model_port, switch_port};

/// Longest head of a request, and buffer of a connection each way.
const MAX_HEAD: usize = 64 << 10;
/// Most headers of a request.
const MAX_HEADERS: usize = 100;
/// Connections to the switch port at the same time.
const SWITCH_CONNECTIONS: usize = 32;
/// After a connection that could not be taken.
const RECOVERY: Duration = Duration::from_millis(100);

/// Takes the next connection from a channel without waiting: `WouldBlock` when there is none,
/// nothing once the device is gone.
pub type Accept = Box<dyn Fn(BorrowedFd<'_>) -> io::Result<Option<UnixStream>>>;

/// What a bridge works with; it needs nothing else.
pub struct Config {
    /// Channel on which connections to the model port arrive.
    pub model: OwnedFd,
    /// The same for the switch port.
    pub switch: OwnedFd,
    /// Takes a connection from either.
    pub accept: Accept,
    /// The connection to a [`crate::link::Supplier`].
    pub link: OwnedFd,
    /// Where requests are logged.
    pub log: Option<File>,
    /// How much a guest may ask for.
    pub limits: Limits,
}

/// A bridge, ready to run.
pub struct Bridge {
    runtime: Runtime,
    model: UnixDatagram,
    switch: UnixDatagram,
    accept: Accept,
    shared: Rc<Shared>,
}

/// What all connections use.
pub(crate) struct Shared {
    pub link: Rc<Link>,
    pub log: Rc<Log>,
    pub memory: Memory,
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Model,
    Switch,
}

impl Bridge {
    /// Makes everything that needs system calls which [`Bridge::run`] does without, if that is
    /// called on the same thread.
    ///
    /// # Errors
    /// If the runtime cannot be set up or a descriptor is not what it should be.
    pub fn new(config: Config) -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let context = runtime.enter();
        let model = packets(config.model)?;
        let switch = packets(config.switch)?;
        let shared = Shared {
            link: Link::new(config.link)?,
            log: Log::new(config.log),
            memory: Memory::new(&config.limits),
            limits: config.limits,
        };
        drop(context);
        Ok(Self { runtime, model, switch, accept: config.accept, shared: Rc::new(shared) })
    }

    /// Serves the guest until both channels are closed.
    ///
    /// # Errors
    /// If a channel breaks.
    pub fn run(self) -> io::Result<()> {
        let Self { runtime, model, switch, accept, shared } = self;
        let local = LocalSet::new();
        let (models, switches) = (shared.limits.connections, SWITCH_CONNECTIONS);
        runtime.block_on(local.run_until(async move {
            let link = Rc::clone(&shared.link);
            spawn_local(async move { link.run().await });
            let (model, switch) = tokio::join!(
                take(&model, &accept, &shared, Port::Model, models),
                take(&switch, &accept, &shared, Port::Switch, switches),
            );
            model.and(switch)
        }))
    }
}

/// Takes connections from a channel, `limit` at the same time; others wait there.
async fn take(
    channel: &UnixDatagram,
    accept: &Accept,
    shared: &Rc<Shared>,
    port: Port,
    limit: usize,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(limit));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        channel.readable().await?;
        let taken = channel.try_io(Interest::READABLE, || accept(channel.as_fd()));
        match taken.and_then(|taken| taken.map(stream).transpose()) {
            Ok(Some(stream)) => {
                let shared = Rc::clone(shared);
                spawn_local(async move {
                    connection(stream, shared, port).await;
                    drop(place);
                });
            }
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Nothing but that connection is lost: a message that is none, or no descriptors.
            Err(error) if is_passing(&error) => tokio::time::sleep(RECOVERY).await,
            Err(error) => return Err(error),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    error.kind() == io::ErrorKind::InvalidData
        || matches!(code, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
        || error.kind() == io::ErrorKind::OutOfMemory
}

/// Serves one connection of the guest until it ends.
pub(crate) async fn connection(stream: tokio::net::UnixStream, shared: Rc<Shared>, port: Port) {
    let signals = Rc::new(Signals::default());
    let io = Io::new(stream, Rc::clone(&signals));
    let head = shared.limits.head;
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, signals) = (Rc::clone(&shared), Rc::clone(&signals));
        // Before anything else is read from the connection.
        signals.hold_end.set(true);
        let endpoint = (port == Port::Model).then(|| model_port::begin(&request, &signals));
        async move {
            let response: hyper::Response<Outgoing> = match endpoint {
                Some(endpoint) => model_port::answer(shared, signals, request, endpoint).await,
                None => switch_port::answer(shared, signals, request).await,
            };
            Ok::<_, Cut>(response)
        }
    });
    let serving = Builder::new()
        .timer(Clock)
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    let mut closing = false;
    poll_fn(|cx| {
        loop {
            if serving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let over = signals.ended.get() || signals.close.get();
            if closing || !over {
                return Poll::Pending;
            }
            closing = true;
            serving.as_mut().graceful_shutdown();
        }
    })
    .await;
}

#[cfg(test)]
#[path = "bridge_test.rs"]
mod tests;
