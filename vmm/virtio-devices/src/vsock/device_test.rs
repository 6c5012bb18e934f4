#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "test code")]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::thread;

use super::super::fixture::{CID, PORT, RX, TX, World, channel, packet};
use super::super::{HostPort, MAX_CONNECTIONS, MAX_RESETS, accept};
use super::*;
use crate::testing::Driver;

#[test]
fn only_the_ports_that_were_handed_in_exist() {
    let mut world = World::new(8);
    for port in [0, 1, 1023, 1025, u32::MAX] {
        let mut request = packet(Op::Request, 5000);
        request.dst_port = port;
        world.send(&request, &[]);
        let reset = world.expect(Op::Reset, 5000);
        assert_eq!(reset.src_port, port);
    }
    let mut host = world.connect(5000);
    host.write_all(b"hello").unwrap();
    let (header, data) = world.receive();
    assert_eq!((header.op, data.as_slice()), (Op::Data, &b"hello"[..]));
    world.send(&packet(Op::Data, 5000), b"there");
    let mut answer = [0; 5];
    host.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"there");
}

#[test]
fn the_address_is_in_configuration_space() {
    let device = Vsock::new(0x1234_5678, Vec::new());
    let mut config = [0xff; 12];
    device.read_config(0, &mut config);
    assert_eq!(config, [0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0, 0]);
    device.read_config(2, &mut config);
    assert_eq!(config[..3], [0x34, 0x12, 0]);
    device.read_config(u64::MAX, &mut config);
    assert_eq!(config, [0; 12]);
}

#[test]
fn a_port_whose_process_is_gone_refuses() {
    let mut world = World::new(8);
    drop(std::mem::replace(&mut world.host, channel().0));
    world.send(&packet(Op::Request, 7), &[]);
    world.expect(Op::Reset, 7);
}

#[test]
fn a_port_whose_process_accepts_nothing_refuses_in_the_end() {
    let mut world = World::new(8);
    let mut accepted = 0;
    for port in 0..1000 {
        world.send(&packet(Op::Request, port), &[]);
        let (header, _) = world.receive();
        if header.op == Op::Reset {
            break;
        }
        accepted += 1;
    }
    assert!((1..1000).contains(&accepted), "{accepted}");
}

#[test]
fn packets_with_other_addresses_are_dropped() {
    let mut world = World::new(8);
    let right = packet(Op::Request, 9);
    let wrong = [
        Header { dst_cid: 1, ..right },
        Header { dst_cid: CID, ..right },
        Header { dst_cid: 2 | 1 << 32, ..right },
        Header { src_cid: 2, ..right },
        Header { src_cid: CID + 1, ..right },
        Header { src_cid: CID | 1 << 63, ..right },
    ];
    for header in wrong {
        world.send(&header, &[]);
    }
    world.expect_quiet();
}

#[test]
fn what_no_connection_expects_is_reset() {
    let mut world = World::new(8);
    let ops = [
        Op::Response,
        Op::Shutdown,
        Op::Data,
        Op::CreditUpdate,
        Op::CreditRequest,
        Op::Unknown(0),
        Op::Unknown(8),
        Op::Unknown(u16::MAX),
    ];
    for op in ops {
        world.send(&packet(op, 11), &[]);
        world.expect(Op::Reset, 11);
    }
    // A reset is not answered with a reset.
    world.send(&packet(Op::Reset, 11), &[]);
    world.expect_quiet();
    // Other socket types are reset as such, live connection or not.
    let _host = world.connect(11);
    for kind in [0, 2, u16::MAX] {
        let header = Header { kind, ..packet(Op::Request, 11) };
        world.send(&header, &[]);
        assert_eq!(world.expect(Op::Reset, 11).kind, kind);
    }
    world.send(&packet(Op::CreditRequest, 11), &[]);
    world.expect(Op::CreditUpdate, 11);
}

#[test]
fn what_a_live_connection_cannot_take_ends_it() {
    for op in [Op::Request, Op::Response, Op::Unknown(0), Op::Unknown(77)] {
        let mut world = World::new(8);
        let mut host = world.connect(12);
        world.send(&packet(op, 12), &[]);
        world.expect(Op::Reset, 12);
        assert_eq!(host.read(&mut [0]).unwrap(), 0, "{op:?}");
        // The pair is free again.
        let _host = world.connect(12);
    }
}

#[test]
fn malformed_packets_do_no_harm() {
    let mut world = World::new(8);
    let mut host = world.connect(13);
    for length in [0, 1, 43] {
        world.post_raw(&vec![0xff; length.max(1)]);
        world.driver.wait(TX);
    }
    world.expect_quiet();
    let lengths = [1, 100, 65_536, 65_537, u32::MAX];
    for claimed in lengths {
        let _host = world.connect(14);
        world.post(&packet(Op::Data, 14), &[], claimed);
        world.driver.wait(TX);
        world.expect(Op::Reset, 14);
        world.post(&packet(Op::Request, 15), &[], claimed);
        world.driver.wait(TX);
        world.expect(Op::Reset, 15);
    }
    world.send(&packet(Op::Data, 13), b"still here");
    let mut data = [0; 10];
    host.read_exact(&mut data).unwrap();
    // Less than there is room for is what counts.
    world.post(&packet(Op::Data, 13), b"abcdef", 3);
    world.driver.wait(TX);
    drop(world);
    let mut rest = Vec::new();
    host.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"abc");
}

#[test]
fn a_broken_queue_stops_the_device() {
    let mut world = World::new(8);
    world.driver.rings[usize::from(TX)].publish(9999);
    world.driver.ring(TX);
    world.driver.interrupt.wait_reset();
    assert_eq!(world.device.reset().len(), 3);
}

#[test]
fn buffers_too_small_for_a_header_are_given_back() {
    let mut world = World::new(0);
    let head = world.driver.add(RX, &[], &[43]);
    world.driver.ring(RX);
    world.give(0x20_0000);
    world.driver.ring(RX);
    world.post(&packet(Op::Response, 1), &[], 0);
    let used = world.driver.wait(RX);
    assert_eq!((used.head, used.written), (head, 0));
    world.expect(Op::Reset, 1);
}

#[test]
fn connections_are_limited() {
    let mut world = World::new(64);
    let mut hosts = Vec::new();
    // The whole process has about as many descriptors as this needs.
    raise_limit();
    for port in 0..MAX_CONNECTIONS as u32 {
        hosts.push(world.connect(port));
    }
    world.send(&packet(Op::Request, 5000), &[]);
    world.expect(Op::Reset, 5000);
    world.send(&packet(Op::Reset, 17), &[]);
    assert_eq!(hosts[17].read(&mut [0]).unwrap(), 0);
    world.connect(5000);
}

fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn answers_wait_for_buffers_and_so_does_the_guest() {
    let mut world = World::new(0);
    let total = MAX_RESETS as u32 + 200;
    let mut posted = 0;
    let mut taken = 0;
    let mut resets = 0;
    while taken < total {
        while posted < total && posted - taken < 200 {
            world.post(&packet(Op::Data, posted), &[], 0);
            posted += 1;
        }
        let before = taken;
        while world.driver.used(TX).is_some() {
            taken += 1;
        }
        if taken == before && posted - taken > 0 && taken as usize >= MAX_RESETS {
            break;
        }
        thread::yield_now();
    }
    assert_eq!(taken as usize, MAX_RESETS);
    // One buffer, and with it one more packet at a time.
    world.give(0x20_0000);
    world.driver.ring(RX);
    while resets < posted {
        world.expect(Op::Reset, resets);
        resets += 1;
    }
}

#[test]
fn a_reset_ends_connections_and_keeps_positions() {
    let mut world = World::new(8);
    let mut host = world.connect(50);
    world.expect_quiet();
    let queues = world.device.reset();
    assert_eq!(host.read(&mut [0]).unwrap(), 0);
    assert!(world.device.reset().is_empty());
    // Two packets went either way; buffers that were not used are still to be had.
    let positions: Vec<(u16, u16, u16)> =
        queues.iter().map(|it| (it.index, it.queue.next_avail(), it.queue.next_used())).collect();
    assert_eq!(positions, [(0, 2, 2), (1, 2, 2), (2, 0, 0)]);
    let mut activation = world.driver.activation();
    activation.queues = queues;
    world.device.activate(activation).unwrap();
    let _host = world.connect(50);
}

#[test]
fn the_event_queue_may_be_missing_but_no_other() {
    let (_host, channel) = channel();
    let mut device = Vsock::new(CID, vec![HostPort { port: PORT, channel }]);
    let driver = Driver::new(&[256, 256, 16], features::ALL);
    for missing in [0_u16, 1] {
        let mut activation = driver.activation();
        activation.queues.retain(|queue| queue.index != missing);
        let result = device.activate(activation);
        assert!(matches!(result, Err(ActivateError::MissingQueue(index)) if index == missing));
    }
    let mut activation = driver.activation();
    activation.queues.retain(|queue| queue.index != 2);
    device.activate(activation).unwrap();
    assert_eq!(device.reset().len(), 2);
}

#[test]
fn channels_end_with_the_device() {
    let (host, channel) = channel();
    drop(Vsock::new(CID, vec![HostPort { port: PORT, channel }]));
    assert!(accept(host.as_fd()).unwrap().is_none());
}
