#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "test code")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use super::super::WINDOW;
use super::super::fixture::{RX_BUFFER, World, packet};
use super::super::packet::NO_SEND;
use super::*;
use crate::testing::Random;

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
            assert_eq!(header.op, Op::CreditUpdate);
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
    let request = Header { buf_alloc: 100, ..packet(Op::Request, 22) };
    let mut host = world.connect_with(&request);
    host.write_all(&[1; 1000]).unwrap();
    let (header, data) = world.receive();
    assert_eq!((header.op, data.len()), (Op::Data, 100));
    world.expect(Op::CreditRequest, 22);
    world.expect_quiet();
    // The buffer shrinks below what it holds, and is then said to be further than it can be.
    for (buf_alloc, fwd_cnt) in [(50, 0), (0, 0), (100, 101)] {
        let header = Header { buf_alloc, fwd_cnt, ..packet(Op::CreditUpdate, 22) };
        world.send(&header, &[]);
        world.expect_quiet();
    }
    let header = Header { buf_alloc: 150, fwd_cnt: 100, ..packet(Op::CreditUpdate, 22) };
    world.send(&header, &[]);
    let (header, data) = world.receive();
    assert_eq!((header.op, data.len()), (Op::Data, 150));
    world.expect(Op::CreditRequest, 22);
    world.expect_quiet();
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
    let shutdown = Header { flags: NO_SEND, ..packet(Op::Shutdown, 40) };
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
    let request = Header { buf_alloc: 20_000, ..packet(Op::Request, 41) };
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
        let update = Header { buf_alloc: 20_000, fwd_cnt: told, ..packet(Op::CreditUpdate, 41) };
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
