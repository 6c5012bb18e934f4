#![allow(clippy::unwrap_used, reason = "test code")]

use std::io::{ErrorKind, Read, Write};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

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

#[test]
fn an_empty_channel_does_not_block_where_that_is_asked_for() {
    let flags = SocketFlags::NONBLOCK;
    let (host, _device) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let error = accept(host.as_fd()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

fn send(channel: &OwnedFd, message: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(message)];
    rustix::net::sendmsg(channel, &parts, &mut control, SendFlags::empty()).unwrap();
}

#[test]
fn other_messages_are_refused() {
    let (host, device) = channel();
    let file = device.try_clone().unwrap();
    let one = [file.as_fd()];
    send(&device, &[0; 8], &[]);
    send(&device, &[0; 7], &one);
    send(&device, &[0; 9], &one);
    send(&device, &[0; 8], &[file.as_fd(), file.as_fd(), file.as_fd()]);
    for case in 0..4 {
        let error = accept(host.as_fd()).err();
        let kind = error.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::InvalidData), "{case}");
    }
    send(&device, &[0; 8], &one);
    assert!(accept(host.as_fd()).unwrap().is_some());
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
