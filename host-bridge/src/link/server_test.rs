#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex};

use super::*;
use crate::link::{MAX_PACKET, State};
use crate::testing::{packet_pair, status};

/// Connects only once the door is open.
#[derive(Default)]
struct Door {
    open: Mutex<bool>,
    changed: Condvar,
    /// The model server's ends.
    servers: Mutex<Vec<OwnedFd>>,
}

impl Supplier for Door {
    fn connect(&self, wait: bool) -> Result<OwnedFd, Failure> {
        if !wait {
            return Err(Failure::Loading);
        }
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.changed.wait(open).unwrap();
        }
        let (bridge, server) = packet_pair();
        self.servers.lock().unwrap().push(server);
        Ok(bridge)
    }

    fn switch(&self, model: &str) -> Result<Status, Failure> {
        Err(Failure::Unknown(model.into()))
    }

    fn models(&self) -> Vec<Entry> {
        // Too long for a packet.
        let entry =
            Entry { id: "x".repeat(MAX_PACKET), name: String::new(), context: None, active: false };
        vec![entry]
    }

    fn status(&self) -> Status {
        status(State::Running)
    }
}

fn start() -> (OwnedFd, Arc<Door>, Receiver<io::Result<()>>) {
    start_with(false)
}

fn start_with(keep: bool) -> (OwnedFd, Arc<Door>, Receiver<io::Result<()>>) {
    let (bridge, link) = packet_pair();
    let door = Arc::new(Door::default());
    let supplier: Arc<dyn Supplier> = door.clone();
    let (ended, end) = channel();
    std::thread::spawn(move || ended.send(serve_and_keep(link, supplier, keep)));
    (bridge, door, end)
}

fn ask(link: &OwnedFd, id: u32, body: Ask) {
    packet::send(link.as_fd(), &Packet { id, body }, None).unwrap();
}

fn answer(link: &OwnedFd) -> (u32, Answer, bool) {
    let mut inbox = Inbox::new();
    let received = inbox.receive(link.as_fd()).unwrap().unwrap();
    let packet: Packet<Answer> = packet::parse(received.bytes).unwrap();
    (packet.id, packet.body, received.socket.is_some())
}

#[test]
fn questions_are_answered() {
    let (link, door, end) = start();
    ask(&link, 7, Ask::Status);
    assert_eq!(answer(&link), (7, Answer::Status(status(State::Running)), false));
    ask(&link, 8, Ask::Connect { wait: false });
    assert_eq!(answer(&link), (8, Answer::Failed(Failure::Loading), false));
    ask(&link, 9, Ask::Switch { model: "x".into() });
    assert_eq!(answer(&link), (9, Answer::Failed(Failure::Unknown("x".into())), false));
    ask(&link, 10, Ask::Connect { wait: true });
    ask(&link, 11, Ask::Status);
    assert_eq!(answer(&link).0, 11, "one that waits holds up no other");
    *door.open.lock().unwrap() = true;
    door.changed.notify_all();
    assert_eq!(answer(&link), (10, Answer::Connected, true));
    drop(link);
    assert!(end.recv().unwrap().is_ok());
}

/// As on macOS.
#[test]
fn a_connection_stays_open_until_it_has_arrived() {
    let (link, door, _end) = start_with(true);
    *door.open.lock().unwrap() = true;
    for id in [1, 2] {
        ask(&link, id, Ask::Connect { wait: true });
        // The bridge's copy is closed at once.
        assert_eq!(answer(&link), (id, Answer::Connected, true));
    }
    let server = std::os::unix::net::UnixStream::from(door.servers.lock().unwrap().remove(0));
    server.set_nonblocking(true).unwrap();
    let read = || std::io::Read::read(&mut &server, &mut [0]);
    // Once this is answered, whatever was said before has been heard.
    let settle = || {
        ask(&link, 9, Ask::Status);
        assert_eq!(answer(&link).0, 9);
    };
    settle();
    assert_eq!(read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    ask(&link, 1, Ask::Arrived);
    server.set_nonblocking(false).unwrap();
    assert_eq!(read().unwrap(), 0);
}

#[test]
fn too_many_that_wait_are_refused() {
    let (link, door, end) = start();
    for id in 0..100 {
        ask(&link, id, Ask::Connect { wait: true });
    }
    for _ in 0..36 {
        let (id, answer, _) = answer(&link);
        assert!(id >= 64, "{id}");
        assert!(matches!(answer, Answer::Failed(Failure::Down(_))), "{answer:?}");
    }
    *door.open.lock().unwrap() = true;
    door.changed.notify_all();
    for _ in 0..64 {
        assert_eq!(answer(&link).1, Answer::Connected);
    }
    drop(link);
    assert!(end.recv().unwrap().is_ok());
}

// Where a socket keeps them apart, any bytes are a packet.
#[cfg(target_os = "linux")]
#[test]
fn packets_that_are_no_questions_are_dropped() {
    use std::{io::IoSlice, mem::MaybeUninit};

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};

    use crate::sys::SEND;

    let send = |link: &OwnedFd, bytes: &[u8]| {
        rustix::net::send(link, bytes, SEND).unwrap();
    };
    let (link, _door, end) = start();
    let long = vec![b'['; MAX_PACKET + 1];
    let deep = vec![b'['; MAX_PACKET];
    for bytes in [
        &b"x"[..],
        b"{}",
        b"\0\xff",
        br#"{"id":-1,"body":"status"}"#,
        br#"{"id":4294967296,"body":"status"}"#,
        br#"{"id":1,"body":{"exec":{}}}"#,
        br#"{"id":1,"body":{"connect":{}}}"#,
        br#"{"id":1,"body":"status"} x"#,
        &long,
        &deep,
    ] {
        send(&link, bytes);
    }
    // Descriptors that nobody asked for.
    let descriptors = [link.as_fd(), link.as_fd(), link.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(&link, &[IoSlice::new(b"x")], &mut control, SEND).unwrap();
    // An answer that cannot be sent is a failure.
    ask(&link, 2, Ask::Models);
    assert!(matches!(answer(&link), (2, Answer::Failed(Failure::Down(_)), false)));
    ask(&link, 3, Ask::Status);
    assert_eq!(answer(&link).0, 3);
    // So is the end an empty packet.
    send(&link, b"");
    assert!(end.recv().unwrap().is_ok());
}
