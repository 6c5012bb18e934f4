#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::*;
use crate::testing::{Rig, get, limits, packet_pair};

#[test]
fn a_bridge_ends_when_both_channels_are_closed() {
    let rig = Rig::new(limits());
    let mut open = rig.guest();
    open.send("GET /");
    assert_eq!(rig.ask(&get("/")).status, 200);
    rig.end();
    assert_eq!(open.rest(), "");
}

#[test]
fn connections_beyond_the_limit_wait() {
    let rig = Rig::new(Limits { connections: 2, ..limits() });
    let (mut first, mut second, mut third) = (rig.guest(), rig.guest(), rig.guest());
    third.send(get("/"));
    for guest in [&mut first, &mut second] {
        guest.send(get("/"));
        assert_eq!(guest.response().status, 200);
    }
    third.stream.get_ref().set_nonblocking(true).unwrap();
    assert!(std::io::BufRead::fill_buf(&mut third.stream).is_err());
    third.stream.get_ref().set_nonblocking(false).unwrap();
    drop(first);
    assert_eq!(third.response().status, 200);
}

#[test]
fn a_connection_that_cannot_be_taken_is_the_only_loss() {
    let (channel, bridge) = packet_pair();
    let (switch, bridge_switch) = packet_pair();
    let (_supplier, link) = packet_pair();
    drop(channel);
    drop(switch);
    let errors = Cell::new(3);
    let accept = move |_: BorrowedFd<'_>| {
        errors.set(errors.get() - 1);
        match errors.get() {
            2 => Err(io::ErrorKind::InvalidData.into()),
            1 => Err(rustix::io::Errno::MFILE.into()),
            _ => Ok(None),
        }
    };
    let config = Config {
        model: bridge,
        switch: bridge_switch,
        accept: Box::new(accept),
        link,
        log: None,
        limits: limits(),
    };
    Bridge::new(config).unwrap().run().unwrap();
}
