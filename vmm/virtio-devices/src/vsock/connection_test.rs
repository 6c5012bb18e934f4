#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::super::fixture::packet;
use super::*;

/// The event loop hears of what it does to the socket itself, so it must come to rest.
#[test]
fn the_guests_end_is_passed_on_once() {
    let (ours, _host) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut poll = Poll::new().unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut SourceFd(&ours.as_raw_fd()), Token(0), both).unwrap();
    let mut connection = Connection::new(&packet(Op::Request, 1), ours, 4096);
    let shutdown = Header { flags: NO_SEND, ..packet(Op::Shutdown, 1) };
    assert_eq!(connection.receive(&shutdown, &[]), Verdict::Keep);
    let mut events = Events::with_capacity(4);
    let awake = (0..10).position(|_| {
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        for event in &events {
            connection.socket_event(event.is_readable(), event.is_writable(), false);
        }
        events.is_empty()
    });
    assert!(awake.is_some(), "the socket never comes to rest");
}
