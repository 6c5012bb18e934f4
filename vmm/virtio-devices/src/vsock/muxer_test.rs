#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::os::fd::AsFd;

use super::*;

const GUEST: u64 = 3;
const PORT: u32 = 7;

/// What a guest says that wants to connect.
fn request(from: u32) -> Header {
    Header {
        src_cid: GUEST,
        dst_cid: HOST_CID,
        src_port: from,
        dst_port: PORT,
        len: 0,
        kind: STREAM,
        op: Op::Request,
        flags: 0,
        buf_alloc: 4096,
        fwd_cnt: 0,
    }
}

/// As on macOS, where ends that were sent must stay open until they arrive.
#[test]
fn an_end_that_was_sent_stays_open_until_it_has_arrived() {
    let (mut host, device) = UnixStream::pair().unwrap();
    let poll = mio::Poll::new().unwrap();
    let mut scratch = [0; 64];
    let mut muxer = Muxer::new(GUEST, [HostPort { port: PORT, channel: device.into() }].into());
    muxer.transit = Some(Vec::new());
    for from in [1, 2] {
        muxer.receive(&request(from), Some(&[]), poll.registry(), &mut scratch);
    }
    assert_eq!(muxer.on_their_way(), 2);

    let at = muxer.deadline().unwrap();
    let (_, mut stream) = channel::accept(host.as_fd()).unwrap().unwrap();
    muxer.expire(at, poll.registry(), &mut scratch);
    assert_eq!(muxer.on_their_way(), 2, "nobody said that one has arrived");
    assert_eq!(muxer.deadline(), Some(at + SETTLE_TIME));

    host.write_all(&[0]).unwrap();
    muxer.expire(at + SETTLE_TIME, poll.registry(), &mut scratch);
    assert_eq!((muxer.on_their_way(), muxer.connections.len()), (1, 2));
    drop(host);
    muxer.expire(at + 2 * SETTLE_TIME, poll.registry(), &mut scratch);
    assert_eq!((muxer.on_their_way(), muxer.deadline()), (0, None));
    // The connections go on all the same.
    assert_eq!(muxer.connections.len(), 2);
    muxer.end(&mut scratch);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn nothing_is_kept_where_nothing_gets_lost() {
    let (host, device) = channel::pair().unwrap();
    let poll = mio::Poll::new().unwrap();
    let mut muxer = Muxer::new(GUEST, [HostPort { port: PORT, channel: device }].into());
    muxer.transit = None;
    muxer.receive(&request(1), Some(&[]), poll.registry(), &mut [0; 64]);
    assert_eq!((muxer.on_their_way(), muxer.deadline()), (0, None));
    assert!(channel::accept(host.as_fd()).unwrap().is_some());
}
