#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code"
)]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;

use super::super::fixture::{CID, PORT, RX, RX_BUFFER, TX, World, channel, packet};
use super::super::packet::{NO_RECEIVE, NO_SEND};
use super::super::{HostPort, MAX_CONNECTIONS, MAX_RESETS, WINDOW, accept};
use super::*;
use crate::testing::{Driver, Random};

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
        Header {
            dst_cid: 1,
            ..right
        },
        Header {
            dst_cid: CID,
            ..right
        },
        Header {
            dst_cid: 2 | 1 << 32,
            ..right
        },
        Header {
            src_cid: 2,
            ..right
        },
        Header {
            src_cid: CID + 1,
            ..right
        },
        Header {
            src_cid: CID | 1 << 63,
            ..right
        },
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
        let header = Header {
            kind,
            ..packet(Op::Request, 11)
        };
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
fn a_reader_that_is_slow_holds_the_guest_up() {
    let mut world = World::new(8);
    let mut host = world.connect(20);
    let chunk = vec![7; 16 * 1024];
    let mut sent = 0_u32;
    let mut forwarded = 0_u32;
    // As a guest that minds its credit, until there is none.
    while WINDOW - (sent - forwarded) >= chunk.len() as u32 {
        world.send(&packet(Op::Data, 20), &chunk);
        sent += chunk.len() as u32;
        while let Some((header, _)) = world.poll() {
            forwarded = header.fwd_cnt;
        }
        world.send(&packet(Op::CreditRequest, 20), &[]);
        forwarded = world.expect(Op::CreditUpdate, 20).fwd_cnt;
    }
    assert!(sent > WINDOW, "the socket takes some, too");
    let reader = thread::spawn(move || {
        let mut data = vec![0; sent as usize];
        host.read_exact(&mut data).unwrap();
        host
    });
    // Room again, without asking for it.
    while forwarded != sent {
        let (header, _) = world.receive();
        assert_eq!(header.op, Op::CreditUpdate);
        forwarded = header.fwd_cnt;
        world.send(&packet(Op::CreditRequest, 20), &[]);
    }
    reader.join().unwrap();
}

#[test]
fn a_guest_that_overdraws_its_credit_is_reset() {
    let mut world = World::new(8);
    let _host = world.connect(21);
    let chunk = vec![7; MAX_PAYLOAD];
    let mut reset = false;
    for _ in 0..100 {
        world.send(&packet(Op::Data, 21), &chunk);
        world.send(&packet(Op::CreditRequest, 21), &[]);
        let (header, _) = world.receive();
        if header.op == Op::Reset {
            reset = true;
            break;
        }
    }
    assert!(reset);
}

#[test]
fn a_guest_without_room_is_sent_nothing() {
    let mut world = World::new(64);
    let request = Header {
        buf_alloc: 100,
        ..packet(Op::Request, 22)
    };
    let mut host = world.connect_with(&request);
    host.write_all(&[1; 1000]).unwrap();
    let (header, data) = world.receive();
    assert_eq!((header.op, data.len()), (Op::Data, 100));
    world.expect(Op::CreditRequest, 22);
    world.expect_quiet();
    // The buffer shrinks below what it holds, and is then said to be further than it can be.
    for (buf_alloc, fwd_cnt) in [(50, 0), (0, 0), (100, 101)] {
        let header = Header {
            buf_alloc,
            fwd_cnt,
            ..packet(Op::CreditUpdate, 22)
        };
        world.send(&header, &[]);
        world.expect_quiet();
    }
    let header = Header {
        buf_alloc: 150,
        fwd_cnt: 100,
        ..packet(Op::CreditUpdate, 22)
    };
    world.send(&header, &[]);
    let (header, data) = world.receive();
    assert_eq!((header.op, data.len()), (Op::Data, 150));
    world.expect(Op::CreditRequest, 22);
    world.expect_quiet();
}

#[test]
fn the_guest_half_closes() {
    let mut world = World::new(8);
    let mut host = world.connect(30);
    world.send(&packet(Op::Data, 30), b"the end");
    let shutdown = Header {
        flags: NO_SEND,
        ..packet(Op::Shutdown, 30)
    };
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
    let shutdown = Header {
        flags: NO_RECEIVE,
        ..packet(Op::Shutdown, 31)
    };
    world.send(&shutdown, &[]);
    let error = host.write_all(b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    world.send(&packet(Op::Data, 31), b"last words");
    let mut data = [0; 10];
    host.read_exact(&mut data).unwrap();
    // Both halves: over, confirmed, free again.
    let shutdown = Header {
        flags: NO_SEND,
        ..packet(Op::Shutdown, 31)
    };
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
    world.send(
        &Header {
            flags: both,
            ..packet(Op::Shutdown, 35)
        },
        &[],
    );
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
    let request = Header {
        buf_alloc: 0,
        ..packet(Op::Request, 36)
    };
    let mut host = world.connect_with(&request);
    host.write_all(b"never read").unwrap();
    world.send(&packet(Op::Data, 36), b"bye");
    world.send(&packet(Op::Reset, 36), &[]);
    let mut data = Vec::new();
    host.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"bye");
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

/// Bytes that differ from place to place.
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    Random::new(seed).bytes(length)
}

fn upload(features: u64) {
    let mut world = World::with_features(64, features);
    let host = world.connect(40);
    let data = pattern(1, 3_000_000);
    let expected = data.clone();
    let reader = thread::spawn(move || {
        let (mut host, mut got) = (host, Vec::new());
        let mut random = Random::new(2);
        let mut chunk = vec![0; 100_000];
        loop {
            let limit = 1 + random.below(chunk.len());
            match host.read(&mut chunk[..limit]).unwrap() {
                0 => return got,
                count => got.extend_from_slice(&chunk[..count]),
            }
        }
    });
    let mut random = Random::new(3);
    let (mut sent, mut forwarded) = (0_u32, 0_u32);
    while (sent as usize) < data.len() {
        while let Some((header, _)) = world.poll() {
            assert_eq!(header.op, Op::CreditUpdate);
            forwarded = header.fwd_cnt;
        }
        let room = (WINDOW - (sent - forwarded)) as usize;
        if room == 0 {
            forwarded = world.expect(Op::CreditUpdate, 40).fwd_cnt;
            continue;
        }
        let left = data.len() - sent as usize;
        let length = (1 + random.below(MAX_PAYLOAD)).min(room).min(left);
        world.send(&packet(Op::Data, 40), &data[sent as usize..][..length]);
        sent += length as u32;
    }
    let shutdown = Header {
        flags: NO_SEND,
        ..packet(Op::Shutdown, 40)
    };
    world.send(&shutdown, &[]);
    assert!(reader.join().unwrap() == expected);
}

#[test]
fn large_uploads_arrive() {
    upload(features::ALL);
}

#[test]
fn large_uploads_arrive_without_event_indices() {
    upload(features::VERSION_1);
}

fn download(buffers: usize, features: u64) {
    let mut world = World::with_features(buffers, features);
    let request = Header {
        buf_alloc: 20_000,
        ..packet(Op::Request, 41)
    };
    let host = world.connect_with(&request);
    let data = pattern(4, 3_000_000);
    let expected = data.clone();
    let writer = thread::spawn(move || {
        let mut host: UnixStream = host;
        let mut random = Random::new(5);
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(1 + random.below(100_000)));
            host.write_all(now).unwrap();
            rest = later;
        }
    });
    let mut random = Random::new(6);
    let mut got: Vec<u8> = Vec::new();
    let mut told = 0;
    loop {
        let (header, data) = world.receive();
        assert!(data.len() <= RX_BUFFER as usize - HEADER_SIZE);
        match header.op {
            Op::Data => got.extend(data),
            Op::CreditRequest => {}
            Op::Shutdown if header.flags & NO_SEND == 0 => {}
            Op::Shutdown => break,
            op => panic!("{op:?}"),
        }
        if header.op == Op::CreditRequest || random.below(8) == 0 {
            told = got.len() as u32;
        }
        assert!(got.len() - told as usize <= 20_000);
        let update = Header {
            buf_alloc: 20_000,
            fwd_cnt: told,
            ..packet(Op::CreditUpdate, 41)
        };
        world.send(&update, &[]);
    }
    writer.join().unwrap();
    assert!(got == expected);
}

#[test]
fn large_downloads_arrive() {
    download(64, features::ALL);
}

#[test]
fn large_downloads_arrive_through_one_buffer() {
    download(1, features::ALL);
}

#[test]
fn large_downloads_arrive_without_event_indices() {
    download(3, features::VERSION_1);
}

#[test]
fn connections_take_turns() {
    let mut world = World::new(1);
    let mut hosts: Vec<UnixStream> = (0..3).map(|port| world.connect(port)).collect();
    for host in &mut hosts {
        host.write_all(&[0; 50_000]).unwrap();
    }
    let mut counts = [0_usize; 3];
    for _ in 0..30 {
        let (header, data) = world.receive();
        counts[header.dst_port as usize] += data.len();
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
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
    let positions: Vec<(u16, u16, u16)> = queues
        .iter()
        .map(|it| (it.index, it.queue.next_avail(), it.queue.next_used()))
        .collect();
    assert_eq!(positions, [(0, 2, 2), (1, 2, 2), (2, 0, 0)]);
    let mut activation = world.driver.activation();
    activation.queues = queues;
    world.device.activate(activation).unwrap();
    let _host = world.connect(50);
}

#[test]
fn the_event_queue_may_be_missing_but_no_other() {
    let (_host, channel) = channel();
    let mut device = Vsock::new(
        CID,
        vec![HostPort {
            port: PORT,
            channel,
        }],
    );
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
    drop(Vsock::new(
        CID,
        vec![HostPort {
            port: PORT,
            channel,
        }],
    ));
    assert!(accept(host.as_fd()).unwrap().is_none());
}
