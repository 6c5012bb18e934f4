//! All connections, and what the guest is to be sent next.
//!
//! What waits for the guest is bounded however it behaves: each connection waits in `ready` at
//! most once and makes its packets only when there is a buffer for one; resets without a
//! connection wait in `resets`, and while [`MAX_RESETS`] do, the guest's own packets stay where
//! they are (virtio 1.3, 5.10.6.1).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::connection::{Connection, Verdict};
use super::fuzz::Held;
use super::packet::{Header, Key, Op, STREAM};
use super::transit::{SETTLE_TIME, Transit};
use super::{
    CLOSE_TIMEOUT, CROWD, HOST_CID, HostPort, MAX_CONNECTIONS, MAX_RESETS, SMALL_WINDOW, WINDOW,
    channel,
};
use crate::sys;
use crate::worker::TOKENS_END;

/// A RST that belongs to no connection.
#[derive(Debug, Clone, Copy)]
struct Reset {
    key: Key,
    /// The socket type that it answers to.
    kind: u16,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Muxer {
    guest_cid: u64,
    ports: Arc<[HostPort]>,
    /// Connections that have a guest end.
    tokens: HashMap<Key, usize>,
    connections: HashMap<usize, Connection>,
    next_token: usize,
    /// Connections that may have something to say, in turn.
    ready: VecDeque<usize>,
    resets: VecDeque<Reset>,
    /// When connections that the guest was told to close are closed without it.
    deadlines: BTreeSet<(Instant, usize)>,
    /// Ends that have not arrived yet, for each of `ports`; `None` where they cannot be lost.
    transit: Option<Vec<Transit>>,
    /// When it is looked whether they have.
    settle_at: Option<Instant>,
}

impl Muxer {
    pub(super) fn new(guest_cid: u64, ports: Arc<[HostPort]>) -> Self {
        Self {
            guest_cid,
            ports,
            tokens: HashMap::new(),
            connections: HashMap::new(),
            next_token: 0,
            ready: VecDeque::new(),
            resets: VecDeque::new(),
            deadlines: BTreeSet::new(),
            transit: sys::ACKNOWLEDGED.then(Vec::new),
            settle_at: None,
        }
    }

    /// Whether another packet of the guest's may be taken in.
    pub(super) fn accepts(&self) -> bool {
        self.resets.len() < MAX_RESETS
    }

    /// Whether [`Muxer::speak`] may have a packet for the guest.
    pub(super) fn has_words(&self) -> bool {
        !self.resets.is_empty() || !self.ready.is_empty()
    }

    /// Whether a packet of the guest's concerns the device at all (virtio 1.3, 5.10.6.2): one
    /// with other addresses is dropped unanswered.
    pub(super) fn is_addressed(&self, header: &Header) -> bool {
        header.dst_cid == HOST_CID && header.src_cid == self.guest_cid
    }

    /// Takes in a packet of the guest's. `data` is its payload, nothing where that is malformed.
    /// `scratch` is overwritten.
    pub(super) fn receive(
        &mut self,
        header: &Header,
        data: Option<&[u8]>,
        registry: &Registry,
        scratch: &mut [u8],
    ) {
        let key = header.key();
        if header.kind != STREAM {
            // No connection of that type can exist.
            self.refuse(header);
            return;
        }
        let Some(token) = self.tokens.get(&key).copied() else {
            if header.op != Op::Request || data.is_none() || self.open(header, registry).is_none() {
                self.refuse(header);
            }
            return;
        };
        let verdict = match (data, self.connections.get_mut(&token)) {
            (Some(data), Some(connection)) => connection.receive(header, data),
            _ => Verdict::Reset,
        };
        match verdict {
            Verdict::Keep => self.schedule(token),
            Verdict::Gone => self.part(token, registry, scratch),
            Verdict::Reset => {
                self.part(token, registry, scratch);
                self.refuse(header);
            }
        }
    }

    /// Answers with a RST, unless the packet is one.
    fn refuse(&mut self, header: &Header) {
        if header.op != Op::Reset {
            self.resets.push_back(Reset { key: header.key(), kind: header.kind });
        }
    }

    /// Opens what a REQUEST asks for; nothing where that is not allowed or not possible.
    fn open(&mut self, header: &Header, registry: &Registry) -> Option<()> {
        let key = header.key();
        let at = self.ports.iter().position(|port| port.port == key.host_port)?;
        let port = self.ports.get(at)?;
        if self.connections.len() >= MAX_CONNECTIONS || self.on_their_way() >= MAX_CONNECTIONS {
            return None;
        }
        let (ours, theirs) = UnixStream::pair().ok()?;
        ours.set_nonblocking(true).ok()?;
        sys::without_signals(&ours).ok()?;
        let window = if self.connections.len() < CROWD { WINDOW } else { SMALL_WINDOW };
        for end in [&ours, &theirs] {
            sys::make_room(end, window);
        }
        let connection = Connection::new(header, ours, window);
        let token = self.next_token;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let mut source = SourceFd(&connection.raw_fd());
        registry.register(&mut source, Token(token), interest).ok()?;
        channel::offer(&port.channel, key, &theirs).ok()?;
        self.keep(at, theirs);
        // Tokens are not used again, so that a late event of a closed socket meets nobody.
        self.next_token = (token + 1) % TOKENS_END;
        self.tokens.insert(key, token);
        self.connections.insert(token, connection);
        self.schedule(token);
        Some(())
    }

    /// Ends that were sent and have not arrived.
    fn on_their_way(&self) -> usize {
        self.transit.iter().flatten().map(Transit::len).sum()
    }

    /// Keeps the end of a connection that was sent over the channel of port `at`.
    fn keep(&mut self, at: usize, end: UnixStream) {
        if let Some(transit) = &mut self.transit {
            transit.resize_with(self.ports.len(), Transit::default);
            if let Some(transit) = transit.get_mut(at) {
                transit.keep(end);
            }
            self.settle_at.get_or_insert_with(|| Instant::now() + SETTLE_TIME);
        }
    }

    /// Closes the ends that have arrived.
    fn settle(&mut self, now: Instant) {
        if self.settle_at.is_some_and(|at| at <= now) {
            for (transit, port) in self.transit.iter_mut().flatten().zip(self.ports.iter()) {
                transit.settle(&port.channel);
            }
            self.settle_at = (self.on_their_way() > 0).then(|| now + SETTLE_TIME);
        }
    }

    /// The guest has no more to do with a connection. It stays only while the host has
    /// something left to read.
    fn part(&mut self, token: usize, registry: &Registry, scratch: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(&token) else {
            return;
        };
        let key = connection.key;
        let queued = std::mem::take(&mut connection.queued);
        let deadline = connection.deadline.take();
        let stays = connection.orphan();
        self.tokens.remove(&key);
        if queued {
            self.ready.retain(|other| *other != token);
        }
        if let Some(at) = deadline {
            self.deadlines.remove(&(at, token));
        }
        if !stays {
            self.close(token, registry, scratch);
        }
    }

    fn close(&mut self, token: usize, registry: &Registry, scratch: &mut [u8]) {
        if let Some(connection) = self.connections.remove(&token) {
            // Closing the socket takes it out of the poll in any case.
            let _ = registry.deregister(&mut SourceFd(&connection.raw_fd()));
            connection.close(scratch);
        }
    }

    /// Ends every connection: the guest is gone, or has forgotten them.
    pub(super) fn end(self, scratch: &mut [u8]) {
        for connection in self.connections.into_values() {
            connection.close(scratch);
        }
    }

    /// The socket of connection `token` changed.
    pub(super) fn event(
        &mut self,
        token: usize,
        event: &mio::event::Event,
        registry: &Registry,
        scratch: &mut [u8],
    ) {
        let Some(connection) = self.connections.get_mut(&token) else {
            return;
        };
        let closed = event.is_read_closed() && event.is_write_closed();
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        connection.socket_event(readable, event.is_writable(), closed);
        if self.tokens.get(&connection.key) == Some(&token) {
            self.schedule(token);
        } else if connection.is_empty() {
            self.close(token, registry, scratch);
        }
    }

    /// Puts a connection in line if it may have something to say.
    fn schedule(&mut self, token: usize) {
        if let Some(connection) = self.connections.get_mut(&token) {
            if connection.has_words() && !connection.queued {
                connection.queued = true;
                self.ready.push_back(token);
            }
        }
    }

    /// The next packet for the guest, if there is one. Its data, at most `room` bytes, is at the
    /// beginning of `scratch`.
    pub(super) fn speak(&mut self, room: usize, scratch: &mut [u8]) -> Option<Header> {
        if let Some(reset) = self.resets.pop_front() {
            return Some(self.reset_header(reset));
        }
        while let Some(token) = self.ready.pop_front() {
            let Some(connection) = self.connections.get_mut(&token) else {
                continue;
            };
            connection.queued = false;
            // Where nothing is said now, an event or a packet will put it in line again.
            let Some((op, flags, len)) = connection.speak(room, scratch) else {
                continue;
            };
            let header = connection.header(self.guest_cid, op, flags, len);
            if connection.closing() && connection.deadline.is_none() {
                let at = Instant::now() + CLOSE_TIMEOUT;
                connection.deadline = Some(at);
                self.deadlines.insert((at, token));
            }
            self.schedule(token);
            return Some(header);
        }
        None
    }

    /// Panics when more is held than may be; for fuzzers.
    pub(super) fn check(&self) {
        let held = Held {
            connections: self.connections.len(),
            tokens: self.tokens.len(),
            ready: self.ready.len(),
            deadlines: self.deadlines.len(),
            resets: self.resets.len(),
        };
        held.check();
    }

    fn reset_header(&self, reset: Reset) -> Header {
        Header {
            src_cid: HOST_CID,
            dst_cid: self.guest_cid,
            src_port: reset.key.host_port,
            dst_port: reset.key.guest_port,
            len: 0,
            kind: reset.kind,
            op: Op::Reset,
            flags: 0,
            buf_alloc: 0,
            fwd_cnt: 0,
        }
    }

    /// When [`Muxer::expire`] has something to do next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let close = self.deadlines.first().map(|(at, _)| *at);
        close.into_iter().chain(self.settle_at).min()
    }

    /// Closes what the guest should have closed by `now`, and ends that have arrived.
    pub(super) fn expire(&mut self, now: Instant, registry: &Registry, scratch: &mut [u8]) {
        self.settle(now);
        while let Some((at, token)) = self.deadlines.first().copied() {
            if at > now {
                return;
            }
            self.deadlines.remove(&(at, token));
            if let Some(connection) = self.connections.get(&token) {
                self.resets.push_back(Reset { key: connection.key, kind: STREAM });
            }
            self.part(token, registry, scratch);
        }
    }
}

#[cfg(test)]
#[path = "muxer_test.rs"]
mod tests;
