#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::*;

fn text(received: Option<Received<'_>>) -> (String, bool) {
    let received = received.unwrap();
    (String::from_utf8_lossy(received.bytes).into_owned(), received.socket.is_some())
}

#[test]
fn packets_stay_apart_and_keep_their_descriptor() {
    let (here, there) = UnixStream::pair().unwrap();
    send(here.as_fd(), b"one", None).unwrap();
    send(here.as_fd(), b"two", Some(here.as_fd())).unwrap();
    send(here.as_fd(), b"", None).unwrap();
    drop(here);
    let mut inbox = Inbox::new();
    assert_eq!(text(inbox.receive(there.as_fd()).unwrap()), ("one".into(), false));
    assert_eq!(text(inbox.receive(there.as_fd()).unwrap()), ("two".into(), true));
    assert_eq!(text(inbox.receive(there.as_fd()).unwrap()), (String::new(), false));
    assert!(inbox.receive(there.as_fd()).unwrap().is_none());
}

#[test]
fn pieces_become_a_packet() {
    let (mut here, there) = UnixStream::pair().unwrap();
    there.set_nonblocking(true).unwrap();
    let mut inbox = Inbox::new();
    let bytes = [&[5, 0, 0, 0][..], b"hello"].concat();
    for (at, byte) in bytes.iter().enumerate() {
        let early = inbox.receive(there.as_fd()).map(|_| ());
        assert_eq!(early.unwrap_err().kind(), io::ErrorKind::WouldBlock, "after {at} bytes");
        here.write_all(&[*byte]).unwrap();
    }
    assert_eq!(text(inbox.receive(there.as_fd()).unwrap()), ("hello".into(), false));
}

#[test]
fn the_longest_packet_passes_a_full_socket() {
    let (here, there) = UnixStream::pair().unwrap();
    here.set_nonblocking(true).unwrap();
    let long = vec![b'x'; MAX_PACKET];
    let reader = std::thread::spawn(move || {
        let mut inbox = Inbox::new();
        let mut all = 0;
        while let Some(received) = inbox.receive(there.as_fd()).unwrap() {
            assert!(received.bytes.iter().all(|byte| *byte == b'x'));
            all += received.bytes.len();
        }
        all
    });
    let mut sent = 0;
    while sent < 50 {
        match send(here.as_fd(), &long, None) {
            Ok(()) => sent += 1,
            Err(e) => assert_eq!(e.kind(), io::ErrorKind::WouldBlock),
        }
    }
    drop(here);
    assert_eq!(reader.join().unwrap(), 50 * MAX_PACKET);
}

#[test]
fn an_impossible_length_and_a_cut_packet_are_the_end() {
    for bytes in [&[1, 0, 1, 0][..], &[255; 8], &[9, 0, 0, 0, b'x'], &[1]] {
        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(bytes).unwrap();
        drop(here);
        assert!(Inbox::new().receive(there.as_fd()).unwrap().is_none(), "{bytes:?}");
    }
}
