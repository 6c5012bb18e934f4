#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "test code")]

use std::io::{ErrorKind, Read, Write};

use super::super::fixture::channel;
use super::*;

const KEY: Key = Key { guest_port: 0x0403_0201, host_port: 0x0807_0605 };

#[test]
fn a_stream_arrives_with_its_ports() {
    let (host, device) = channel();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    offer(&device, KEY, &theirs).unwrap();
    drop(theirs);
    drop(device);
    let (peer, mut stream) = accept(host.as_fd()).unwrap().unwrap();
    let expected = PeerInfo { guest_port: KEY.guest_port, host_port: KEY.host_port };
    assert_eq!(peer, expected);
    ours.write_all(b"x").unwrap();
    drop(ours);
    let mut data = Vec::new();
    stream.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"x");
    let flags = rustix::io::fcntl_getfd(&stream).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    assert!(accept(host.as_fd()).unwrap().is_none());
}

/// As the channel is on macOS: a stream. Linux keeps messages with descriptors apart in it, too.
#[test]
fn streams_that_follow_each_other_arrive_one_by_one_over_a_stream() {
    let (host, device) = UnixStream::pair().unwrap();
    let (host, device) = (OwnedFd::from(host), OwnedFd::from(device));
    let mut ours = Vec::new();
    for number in 0..20 {
        let (our, their) = UnixStream::pair().unwrap();
        offer(&device, Key { guest_port: number, ..KEY }, &their).unwrap();
        ours.push(our);
    }
    drop(device);
    for (number, our) in (0..).zip(&mut ours) {
        let (peer, mut stream) = accept(host.as_fd()).unwrap().unwrap();
        assert_eq!((peer.guest_port, peer.host_port), (number, KEY.host_port));
        our.write_all(&[number as u8]).unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [number as u8]);
    }
    assert!(accept(host.as_fd()).unwrap().is_none());
}

/// What [`accept`] does on macOS, for what the device does there.
#[test]
fn an_arrival_is_told_without_waiting() {
    let (host, device) = UnixStream::pair().unwrap();
    let (host, device) = (OwnedFd::from(host), OwnedFd::from(device));
    let mut transit = super::super::transit::Transit::default();
    for _ in 0..2 {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        offer(&device, KEY, &theirs).unwrap();
        transit.keep(theirs);
    }
    let _stream = accept(host.as_fd()).unwrap().unwrap();
    acknowledge(host.as_fd());
    transit.settle(&device);
    assert_eq!(transit.len(), 1);
    drop(device);
    acknowledge(host.as_fd());
}

#[test]
fn an_empty_channel_does_not_block_where_that_is_asked_for() {
    let (host, _device) = pair().unwrap();
    rustix::io::ioctl_fionbio(&host, true).unwrap();
    let error = accept(host.as_fd()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_full_channel_refuses() {
    let (host, device) = channel();
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let mut count = 0;
    while offer(&device, KEY, &theirs).is_ok() {
        count += 1;
        assert!(count < 100_000);
    }
    assert!(accept(host.as_fd()).unwrap().is_some());
    offer(&device, KEY, &theirs).unwrap();
}

/// What a device would not send: only packets have a size that the receiver sees.
#[cfg(target_os = "linux")]
#[path = "packets_test.rs"]
mod packets;
