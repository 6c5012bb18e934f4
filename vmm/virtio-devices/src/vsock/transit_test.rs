#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read, Write};

use super::*;

/// A channel as on macOS: the device's end and the receiver's.
fn channel() -> (OwnedFd, UnixStream) {
    let (device, host) = UnixStream::pair().unwrap();
    (device.into(), host)
}

/// A stream on its way, and its other end.
fn sent(transit: &mut Transit) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    transit.keep(theirs);
    ours
}

fn is_open(mut stream: &UnixStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(0) => false,
        Err(error) if error.kind() == ErrorKind::WouldBlock => true,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_byte_is_the_arrival_of_the_oldest() {
    let (device, mut host) = channel();
    let mut transit = Transit::default();
    let streams: Vec<_> = (0..3).map(|_| sent(&mut transit)).collect();
    transit.settle(&device);
    assert_eq!(transit.len(), 3);
    host.write_all(&[0]).unwrap();
    transit.settle(&device);
    assert_eq!([0, 1, 2].map(|n: usize| is_open(&streams[n])), [false, true, true]);
    host.write_all(&[0; 2]).unwrap();
    transit.settle(&device);
    assert_eq!((transit.len(), is_open(&streams[2])), (0, false));
}

#[test]
fn what_nobody_will_receive_is_closed() {
    let (device, host) = channel();
    let mut transit = Transit::default();
    let stream = sent(&mut transit);
    drop(host);
    transit.settle(&device);
    assert!(transit.len() == 0 && !is_open(&stream));
}

#[test]
fn bytes_without_a_stream_do_no_harm() {
    let (device, mut host) = channel();
    let mut transit = Transit::default();
    host.write_all(&[0; 100]).unwrap();
    transit.settle(&device);
    let stream = sent(&mut transit);
    transit.settle(&device);
    assert!(transit.len() == 0 && !is_open(&stream));
}
