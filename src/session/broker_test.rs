#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use std::sync::mpsc;

fn shared() -> (Broker, mpsc::Receiver<Event>) {
    let (events, receiver) = mpsc::channel();
    let shared = Shared {
        events,
        waiting: Mutex::default(),
        next: AtomicU32::new(1),
        reading: Mutex::new(0),
        slot: Condvar::new(),
        controlled: AtomicBool::new(false),
    };
    (Broker { shared: Arc::new(shared) }, receiver)
}

fn connection() -> UnixStream {
    UnixStream::pair().unwrap().0
}

fn place(broker: &Broker, opening: Opening) -> Option<Event> {
    broker.shared.place(opening, connection())
}

#[test]
fn a_command_is_complete_with_its_last_connection_whichever_that_is() {
    let kinds = [StreamKind::Stdin, StreamKind::Stderr, StreamKind::Stdout];
    for last in 0..4 {
        let (broker, _events) = shared();
        let (id, token) = broker.expect(Expect::Pipes).unwrap();
        let mut openings: Vec<Opening> =
            kinds.iter().map(|kind| Opening::Stream { id, token, kind: *kind }).collect();
        openings.push(Opening::Command { id, token });
        let late = openings.remove(last);
        for opening in openings {
            assert!(place(&broker, opening).is_none());
        }
        let opened = place(&broker, late);
        assert!(matches!(
            opened,
            Some(Event::Opened(n, Connections { streams: Streams::Pipes { .. }, .. })) if n == id
        ));
        assert!(place(&broker, Opening::Command { id, token }).is_none(), "a number serves once");
    }
}

#[test]
fn a_wrong_token_gets_nothing_and_spoils_nothing() {
    let (broker, _events) = shared();
    let (id, token) = broker.expect(Expect::Terminal).unwrap();
    let mut wrong = token;
    wrong[0] ^= 1;
    let kind = StreamKind::Terminal;
    assert!(place(&broker, Opening::Stream { id, token: wrong, kind }).is_none());
    assert!(place(&broker, Opening::Command { id, token: wrong }).is_none());
    assert!(
        place(&broker, Opening::Command { id, token }).is_none(),
        "its stream is not there yet"
    );
    assert!(matches!(place(&broker, Opening::Stream { id, token, kind }), Some(Event::Opened(..))));
}

#[test]
fn kinds_do_not_mix() {
    let (broker, _events) = shared();
    let (pipes, token) = broker.expect(Expect::Pipes).unwrap();
    assert!(place(&broker, Opening::Dialed { id: pipes, token }).is_none());
    let (dial, token) = broker.expect(Expect::Dialed).unwrap();
    assert!(place(&broker, Opening::Command { id: dial, token }).is_none());
    assert!(matches!(place(&broker, Opening::Dialed { id: dial, token }), Some(Event::Dialed(..))));
}

#[test]
fn forgotten_and_unknown_numbers_are_closed() {
    let (broker, _events) = shared();
    let (id, token) = broker.expect(Expect::Dialed).unwrap();
    broker.forget(id);
    assert!(place(&broker, Opening::Dialed { id, token }).is_none());
    assert!(place(&broker, Opening::Command { id: 77, token }).is_none());
}

#[test]
fn another_version_is_fatal() {
    let (broker, _events) = shared();
    let event = place(&broker, Opening::Control { version: agent_protocol::VERSION + 1 });
    assert!(
        matches!(event, Some(Event::Agent(FromAgent::Fatal(why))) if why.contains("scripts/build"))
    );
}

#[test]
fn garbage_and_silence_are_closed_without_an_event() {
    let (broker, events) = shared();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    std::io::Write::write_all(&mut theirs, &[0xff; 64]).unwrap();
    broker.open(ours);
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    broker.open(ours);
    assert!(events.try_recv().is_err());
}

#[test]
fn only_the_first_control_connection_is_the_agents_whatever_later_ones_say() {
    let (broker, _events) = shared();
    let version = agent_protocol::VERSION;
    assert!(matches!(place(&broker, Opening::Control { version }), Some(Event::Control(_))));
    assert!(place(&broker, Opening::Control { version }).is_none());
    // Any program of the guest can dial; this one would have ended the session.
    assert!(place(&broker, Opening::Control { version: version + 1 }).is_none());
}

#[test]
fn a_connection_that_came_without_its_descriptor_is_not_the_last() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};
    use std::{io::IoSlice, mem::MaybeUninit, os::fd::AsFd};

    let (events, inbox) = mpsc::channel();
    let (channel, device) = crate::sys::channel().unwrap();
    let _broker = Broker::start(channel, events).unwrap();
    send(&device, &[0; 8], SendFlags::empty()).unwrap();

    let (agent, theirs) = UnixStream::pair().unwrap();
    let fds = [theirs.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(&device, &[IoSlice::new(&[0; 8])], &mut control, SendFlags::empty()).unwrap();
    let opening = Opening::Control { version: agent_protocol::VERSION };
    agent_protocol::write_frame(&agent, &opening).unwrap();
    assert!(matches!(inbox.recv().unwrap(), Event::Control(_)));
}
