//! Published ports: TCP on the host to TCP on the guest's loopback, without a network.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
};

use super::{
    attach::spawn,
    event::{Event, Events},
};
use crate::spec::Publish;

/// Connections relayed at the same time; one more is closed at once.
const LIMIT: usize = 256;

/// Listens on every published port and reports connections.
///
/// # Errors
/// The address that cannot be listened on, and why.
pub fn listen(
    ports: &[Publish],
    events: &Events,
) -> Result<Vec<SocketAddr>, (SocketAddr, io::Error)> {
    ports.iter().map(|port| listen_on(*port, events)).collect()
}

fn listen_on(port: Publish, events: &Events) -> Result<SocketAddr, (SocketAddr, io::Error)> {
    let wanted = SocketAddr::new(port.ip, port.host_port);
    let start = || {
        let listener = TcpListener::bind(wanted)?;
        let bound = listener.local_addr()?;
        let events = events.clone();
        spawn("publish", move || {
            for stream in listener.incoming().flatten() {
                if events.send(Event::Published(stream, port.guest_port)).is_err() {
                    return;
                }
            }
        })?;
        Ok(bound)
    };
    start().map_err(|e| (wanted, e))
}

/// Relays connections, at most [`LIMIT`] at a time.
#[derive(Debug, Default)]
pub struct Relays {
    live: Arc<AtomicUsize>,
}

impl Relays {
    /// True if one more connection may be taken.
    pub fn room(&self) -> bool {
        self.live.load(Ordering::Relaxed) < LIMIT
    }

    /// Joins the two until both directions have ended.
    pub fn join(&self, host: TcpStream, guest: UnixStream) {
        let live = Arc::clone(&self.live);
        live.fetch_add(1, Ordering::Relaxed);
        let started = spawn("relay", move || {
            relay(&host, &guest);
            live.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn relay(host: &TcpStream, guest: &UnixStream) {
    std::thread::scope(|scope| {
        let up = move || {
            let _ = io::copy(&mut &*host, &mut &*guest);
            let _ = guest.shutdown(Shutdown::Write);
        };
        // Not `scope.spawn`, which panics where the system has no thread left.
        if std::thread::Builder::new().stack_size(128 << 10).spawn_scoped(scope, up).is_ok() {
            let _ = io::copy(&mut &*guest, &mut &*host);
            let _ = host.shutdown(Shutdown::Write);
        }
    });
}
