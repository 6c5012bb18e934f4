#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "test code")]

use std::io::{ErrorKind, Read, Write};

use super::super::fixture::{World, packet};
use super::super::packet::{NO_RECEIVE, NO_SEND};
use super::*;

#[test]
fn the_guest_half_closes() {
    let mut world = World::new(8);
    let mut host = world.connect(30);
    world.send(&packet(Op::Data, 30), b"the end");
    let shutdown = Header { flags: NO_SEND, ..packet(Op::Shutdown, 30) };
    world.send(&shutdown, &[]);
    let mut data = Vec::new();
    host.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"the end");
    host.write_all(b"the answer").unwrap();
    let (_, data) = world.receive();
    assert_eq!(data, b"the answer");
    // Data after the end of data is a fault.
    world.send(&packet(Op::Data, 30), b"more");
    world.expect(Op::Reset, 30);
}

#[test]
fn a_guest_that_reads_no_more_stops_the_host() {
    let mut world = World::new(8);
    let mut host = world.connect(31);
    let shutdown = Header { flags: NO_RECEIVE, ..packet(Op::Shutdown, 31) };
    world.send(&shutdown, &[]);
    let error = host.write_all(b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    world.send(&packet(Op::Data, 31), b"last words");
    let mut data = [0; 10];
    host.read_exact(&mut data).unwrap();
    // Both halves: over, confirmed, free again.
    let shutdown = Header { flags: NO_SEND, ..packet(Op::Shutdown, 31) };
    world.send(&shutdown, &[]);
    world.expect(Op::Reset, 31);
    assert_eq!(host.read(&mut data).unwrap(), 0);
    world.connect(31);
}

#[test]
fn the_host_half_closes() {
    let mut world = World::new(8);
    let mut host = world.connect(32);
    host.write_all(b"the end").unwrap();
    host.shutdown(std::net::Shutdown::Write).unwrap();
    let (_, data) = world.receive();
    assert_eq!(data, b"the end");
    assert_eq!(world.expect(Op::Shutdown, 32).flags, NO_SEND);
    world.send(&packet(Op::Data, 32), b"still heard");
    let mut data = [0; 11];
    host.read_exact(&mut data).unwrap();
    drop(host);
    assert_eq!(world.expect(Op::Shutdown, 32).flags, NO_SEND | NO_RECEIVE);
    world.send(&packet(Op::Reset, 32), &[]);
    world.expect_quiet();
}

#[test]
fn a_host_that_reads_no_more_is_told_about() {
    let mut world = World::new(8);
    let mut host = world.connect(33);
    host.shutdown(std::net::Shutdown::Read).unwrap();
    world.send(&packet(Op::Data, 33), b"nobody listens");
    let shutdown = world.expect(Op::Shutdown, 33);
    assert_eq!((shutdown.flags, shutdown.fwd_cnt), (NO_RECEIVE, 14));
    world.send(&packet(Op::Data, 33), b"already under way");
    host.write_all(b"reply").unwrap();
    let (header, data) = world.receive();
    assert_eq!((data.as_slice(), header.fwd_cnt), (&b"reply"[..], 31));
}

#[test]
fn a_close_that_the_guest_ignores_is_final() {
    let mut world = World::new(8);
    drop(world.connect(34));
    assert_eq!(world.expect(Op::Shutdown, 34).flags, NO_SEND | NO_RECEIVE);
    world.expect(Op::Reset, 34);
    world.connect(34);
}

#[test]
fn what_the_host_has_not_read_survives_the_guest() {
    let mut world = World::new(8);
    let mut host = world.connect(35);
    let mut expected = Vec::new();
    for round in 0..4 {
        let data = vec![round; 60_000];
        world.send(&packet(Op::Data, 35), &data);
        expected.extend(data);
    }
    let both = NO_SEND | NO_RECEIVE;
    world.send(&Header { flags: both, ..packet(Op::Shutdown, 35) }, &[]);
    while world.receive().0.op == Op::CreditUpdate {}
    // The pair may be used again at once, and is another connection.
    let mut other = world.connect(35);
    world.send(&packet(Op::Data, 35), b"new");
    let mut data = Vec::new();
    host.read_to_end(&mut data).unwrap();
    assert!(data == expected);
    let mut data = [0; 3];
    other.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"new");
}

#[test]
fn unread_input_is_no_error_for_the_host() {
    let mut world = World::new(8);
    let request = Header { buf_alloc: 0, ..packet(Op::Request, 36) };
    let mut host = world.connect_with(&request);
    host.write_all(b"never read").unwrap();
    world.send(&packet(Op::Data, 36), b"bye");
    world.send(&packet(Op::Reset, 36), &[]);
    let mut data = Vec::new();
    host.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"bye");
}

#[test]
fn neither_is_it_when_the_device_is_reset() {
    let mut world = World::new(8);
    let request = Header { buf_alloc: 0, ..packet(Op::Request, 37) };
    let mut host = world.connect_with(&request);
    host.write_all(b"never read").unwrap();
    world.send(&packet(Op::Data, 37), b"bye");
    drop(world.device.reset());
    let mut data = Vec::new();
    host.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"bye");
}
