//! One stream between the guest and a socket of the host.
//!
//! ```text
//!            REQUEST: the port's process has taken the other end of our socket
//!               │
//!               ▼
//!          responding ── RESPONSE sent ──▶ open, both ways
//!                                             │
//!      host: end of file                      │   guest: SHUTDOWN
//!      ─▶ SHUTDOWN(send) to the guest         │   no receive ─▶ our socket reads no more
//!      host: reads no more                    │   no send ─▶ what it sent is passed on, then
//!      ─▶ SHUTDOWN(receive), what the guest   │              our socket is shut for writing
//!         sends is thrown away                │
//!               │                             │
//!               ▼                             ▼
//!      both told: the guest answers      both told: we answer RST, and the connection is
//!      RST within CLOSE_TIMEOUT, or      forgotten; what the host has not read yet stays,
//!      it gets one                       without a guest, until it has (`orphaned`)
//! ```
//!
//! A RST ends it at any point. Each direction stands still where its receiver has no room: the
//! guest's credit one way, the socket's buffer and then our window the other.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::credit::{FromGuest, ToGuest};
use super::outbox::{self, Outbox};
use super::packet::{Header, Key, NO_RECEIVE, NO_SEND, Op, STREAM};
use super::{HOST_CID, MAX_PAYLOAD};

/// What becomes of a connection after a packet of the guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Keep,
    /// It is over, the guest is sent a RST.
    Reset,
    /// It is over, and the guest knows.
    Gone,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) key: Key,
    /// Already in the muxer's queue of those with something to say.
    pub(super) queued: bool,
    /// When the guest's confirmation is overdue, once it is asked for.
    pub(super) deadline: Option<Instant>,
    socket: UnixStream,
    readable: bool,
    writable: bool,
    /// No more data comes from the host.
    host_ended: bool,
    /// The host takes no more data.
    host_deaf: bool,
    guest_ended: bool,
    /// The host was told so.
    end_passed_on: bool,
    guest_deaf: bool,
    responding: bool,
    update_wanted: bool,
    /// The guest was asked for room since it last had some.
    asked: bool,
    /// Shutdown flags that the guest has been sent.
    told: u32,
    to_guest: ToGuest,
    from_guest: FromGuest,
    outbox: Outbox,
}

impl Connection {
    /// For a guest's REQUEST, which `header` is. `socket` does not block.
    pub(super) fn new(header: &Header, socket: UnixStream, window: u32) -> Self {
        let mut to_guest = ToGuest::default();
        to_guest.told(header.buf_alloc, header.fwd_cnt);
        Self {
            key: header.key(),
            queued: false,
            deadline: None,
            socket,
            readable: false,
            writable: true,
            host_ended: false,
            host_deaf: false,
            guest_ended: false,
            end_passed_on: false,
            guest_deaf: false,
            responding: true,
            update_wanted: false,
            asked: false,
            told: 0,
            to_guest,
            from_guest: FromGuest::new(window),
            outbox: Outbox::default(),
        }
    }

    /// The socket's descriptor, for the event loop.
    pub(super) fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Takes in a packet of the guest's. `data` is its payload.
    pub(super) fn receive(&mut self, header: &Header, data: &[u8]) -> Verdict {
        self.to_guest.told(header.buf_alloc, header.fwd_cnt);
        if self.to_guest.room() > 0 {
            self.asked = false;
        }
        match header.op {
            Op::Data => self.receive_data(data),
            Op::CreditUpdate => Verdict::Keep,
            Op::CreditRequest => {
                self.update_wanted = true;
                Verdict::Keep
            }
            Op::Shutdown => self.receive_shutdown(header.flags),
            Op::Reset => Verdict::Gone,
            // The guest has forgotten the connection, or never knew how to have one.
            Op::Request | Op::Response | Op::Unknown(_) => Verdict::Reset,
        }
    }

    fn receive_data(&mut self, data: &[u8]) -> Verdict {
        // The payload was bounded before it was read.
        let Ok(length) = u32::try_from(data.len()) else {
            return Verdict::Reset;
        };
        if self.guest_ended || !self.from_guest.receive(length) {
            return Verdict::Reset;
        }
        if self.host_deaf {
            self.from_guest.forward(length);
            return Verdict::Keep;
        }
        let mut rest = data;
        if self.writable && self.outbox.is_empty() {
            match outbox::send(&self.socket, data) {
                Ok((sent, more)) => {
                    self.writable = more;
                    self.forward(sent);
                    rest = data.get(sent..).unwrap_or_default();
                }
                Err(_) => {
                    self.from_guest.forward(length);
                    self.stop_writing();
                    rest = &[];
                }
            }
        }
        self.outbox.extend(rest);
        Verdict::Keep
    }

    fn receive_shutdown(&mut self, flags: u32) -> Verdict {
        if flags & NO_RECEIVE != 0 && !self.guest_deaf {
            self.guest_deaf = true;
            let _ = self.socket.shutdown(Shutdown::Read);
        }
        if flags & NO_SEND != 0 && !self.guest_ended {
            self.guest_ended = true;
            self.finish_writing();
        }
        if self.guest_deaf && self.guest_ended { Verdict::Reset } else { Verdict::Keep }
    }

    /// The event loop saw the socket change.
    pub(super) fn socket_event(&mut self, readable: bool, writable: bool, closed: bool) {
        self.readable |= readable || closed;
        self.writable |= writable;
        if closed {
            self.stop_writing();
        } else if self.writable {
            self.flush();
        }
    }

    fn flush(&mut self) {
        match self.outbox.flush(&self.socket) {
            Ok((sent, more)) => {
                self.writable = more;
                self.forward(sent);
                self.finish_writing();
            }
            Err(_) => self.stop_writing(),
        }
    }

    fn forward(&mut self, bytes: usize) {
        // Never more than was received, which is a sum of `u32`s below the window.
        self.from_guest.forward(u32::try_from(bytes).unwrap_or(0));
    }

    /// Passes the guest's end of data on, once all its data is. Only once: it makes the socket
    /// writable anew, which is an event, which leads back here.
    fn finish_writing(&mut self) {
        if self.guest_ended && !self.end_passed_on && self.outbox.is_empty() && !self.host_deaf {
            self.end_passed_on = true;
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }

    /// The host reads no more: what was meant for it is thrown away.
    fn stop_writing(&mut self) {
        self.host_deaf = true;
        let dropped = self.outbox.clear();
        self.forward(dropped);
    }

    /// The guest is gone or done. Returns whether the host has something left to read, which
    /// the connection stays for.
    pub(super) fn orphan(&mut self) -> bool {
        self.guest_deaf = true;
        self.guest_ended = true;
        let _ = self.socket.shutdown(Shutdown::Read);
        self.flush();
        !self.outbox.is_empty()
    }

    /// Whether an orphan has nothing left to do.
    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Closes the socket in a way that the host sees as the end of the stream: one closed with
    /// unread data would look like an error to it. `scratch` is overwritten.
    pub(super) fn close(self, scratch: &mut [u8]) {
        let _ = self.socket.shutdown(Shutdown::Both);
        // No more comes in, and no more than the socket's buffer is there.
        while self.read(scratch).is_ok_and(|count| count > 0) {}
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let received = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT)
        });
        Ok(received.map(|(count, _)| count)?)
    }

    /// Shutdown flags that are true, whether told or not.
    fn shut(&self) -> u32 {
        let send = if self.host_ended { NO_SEND } else { 0 };
        let receive = if self.host_deaf { NO_RECEIVE } else { 0 };
        send | receive
    }

    /// Whether the guest has been told that the host is done with the connection.
    pub(super) fn closing(&self) -> bool {
        self.told == NO_SEND | NO_RECEIVE
    }

    fn may_read(&self) -> bool {
        self.readable && !self.host_ended && !self.guest_deaf
    }

    /// Whether [`Connection::speak`] may have something to say.
    pub(super) fn has_words(&self) -> bool {
        self.responding
            || self.update_wanted
            || self.shut() & !self.told != 0
            || self.from_guest.update_due()
            || (self.may_read() && (self.to_guest.room() > 0 || !self.asked))
    }

    /// The next packet for the guest, if there is one. Its data, at most `room` bytes, is at the
    /// beginning of `scratch`.
    pub(super) fn speak(&mut self, room: usize, scratch: &mut [u8]) -> Option<(Op, u32, u32)> {
        if std::mem::take(&mut self.responding) {
            return Some((Op::Response, 0, 0));
        }
        if let Some(length) = self.read_for_guest(room, scratch) {
            self.to_guest.send(length);
            return Some((Op::Data, 0, length));
        }
        let shut = self.shut();
        if shut & !self.told != 0 {
            self.told = shut;
            return Some((Op::Shutdown, shut, 0));
        }
        if std::mem::take(&mut self.update_wanted) || self.from_guest.update_due() {
            return Some((Op::CreditUpdate, 0, 0));
        }
        if self.may_read() && self.to_guest.room() == 0 && !self.asked {
            self.asked = true;
            return Some((Op::CreditRequest, 0, 0));
        }
        None
    }

    /// Reads from the host what the guest has room for.
    fn read_for_guest(&mut self, room: usize, scratch: &mut [u8]) -> Option<u32> {
        if !self.may_read() {
            return None;
        }
        let credit = usize::try_from(self.to_guest.room()).unwrap_or(usize::MAX);
        let limit = room.min(credit).min(MAX_PAYLOAD);
        let buffer = scratch.get_mut(..limit).filter(|it| !it.is_empty())?;
        match self.read(buffer) {
            Ok(0) => self.host_ended = true,
            Ok(count) => return u32::try_from(count).ok(),
            Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => {
                self.readable = false;
            }
            Err(_) => self.host_ended = true,
        }
        None
    }

    /// The header for a packet that [`Connection::speak`] returned.
    pub(super) fn header(&mut self, guest_cid: u64, op: Op, flags: u32, len: u32) -> Header {
        let (buf_alloc, fwd_cnt) = self.from_guest.tell();
        Header {
            src_cid: HOST_CID,
            dst_cid: guest_cid,
            src_port: self.key.host_port,
            dst_port: self.key.guest_port,
            len,
            kind: STREAM,
            op,
            flags,
            buf_alloc,
            fwd_cnt,
        }
    }
}

#[cfg(test)]
#[path = "connection_test.rs"]
mod tests;
