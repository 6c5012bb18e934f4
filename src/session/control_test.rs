#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use agent_protocol::{CommandSpec, FromAgent, MAX_FRAME};

#[test]
fn messages_go_and_come_in_order() {
    let (ours, guest) = UnixStream::pair().unwrap();
    let (events, inbox) = mpsc::channel();
    let control = Control::start(ours, &events).unwrap();
    for unix_nanos in 0..100 {
        control.send(&ToAgent::SetTime { unix_nanos }).unwrap();
    }
    for unix_nanos in 0..100 {
        assert_eq!(read_frame::<ToAgent>(&guest).unwrap(), ToAgent::SetTime { unix_nanos });
    }
    write_frame(&guest, &FromAgent::Stopped).unwrap();
    drop(guest);
    assert!(matches!(inbox.recv().unwrap(), Event::Agent(FromAgent::Stopped)));
    assert!(matches!(inbox.recv().unwrap(), Event::AgentLost(_)));
}

#[test]
fn a_guest_that_does_not_read_gets_an_end_and_holds_nobody_up() {
    let (ours, _guest) = UnixStream::pair().unwrap();
    let (events, _inbox) = mpsc::channel();
    let control = Control::start(ours, &events).unwrap();
    // Far more than the socket and the queue hold: this would not return if it waited.
    let full = (0..100_000).find_map(|n| control.send(&ToAgent::SetTime { unix_nanos: n }).err());
    assert!(matches!(full, Some(FrameError::Io(_))), "{full:?}");
}

#[test]
fn a_message_that_is_too_long_is_refused_and_the_next_one_goes() {
    let (ours, guest) = UnixStream::pair().unwrap();
    let (events, _inbox) = mpsc::channel();
    let control = Control::start(ours, &events).unwrap();
    let command = CommandSpec {
        argv: vec![vec![b'x'; MAX_FRAME]],
        env: Vec::new(),
        cwd: Vec::new(),
        terminal: None,
        as_root: false,
        main: false,
    };
    let long = control.send(&ToAgent::Spawn { id: 1, token: [0; 16], command });
    assert!(matches!(long, Err(FrameError::TooLong(_))));
    control.send(&ToAgent::Shutdown).unwrap();
    assert_eq!(read_frame::<ToAgent>(&guest).unwrap(), ToAgent::Shutdown);
}
