#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;

use super::*;

fn is_open(mut stream: &UnixStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0]) {
        Ok(0) => false,
        Err(error) if error.kind() == ErrorKind::WouldBlock => true,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_is_kept_until_it_has_arrived() {
    let transit = Transit::default();
    let (ours, theirs) = UnixStream::pair().unwrap();
    transit.keep(7, theirs.into());
    transit.arrived(8);
    assert!(is_open(&ours));
    transit.arrived(7);
    assert!(!is_open(&ours));
}

#[test]
fn a_bridge_that_says_nothing_has_few_kept() {
    let transit = Transit::default();
    let mut streams = Vec::new();
    for id in 0..70 {
        let (ours, theirs) = UnixStream::pair().unwrap();
        transit.keep(id, theirs.into());
        streams.push(ours);
    }
    let open: Vec<_> = streams.iter().map(is_open).collect();
    assert_eq!(open.iter().filter(|open| **open).count(), MOST);
    assert!(open[6..].iter().all(|open| *open));
}
