#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_guest_that_does_not_read_holds_nobody_up_and_gets_whole_messages() {
    let (line, guest) = UnixStream::pair().unwrap();
    let mut handle = Handle::new(line);
    // Far more than a socket holds: this would not return if it waited.
    for _ in 0..100_000 {
        handle.signal(15);
    }
    drop(handle);
    let mut got = 0;
    while let Ok(message) = read_frame::<ToCommand>(&guest) {
        assert_eq!(message, ToCommand::Signal(15));
        got += 1;
    }
    assert!((1..100_000).contains(&got), "{got}");
    assert!(matches!(read_frame::<ToCommand>(&guest), Err(agent_protocol::FrameError::Closed)));
}

#[test]
fn streams_that_somebody_made_non_blocking_lose_nothing() {
    let (mut source, from) = UnixStream::pair().unwrap();
    let (to, mut sink) = UnixStream::pair().unwrap();
    from.set_nonblocking(true).unwrap();
    to.set_nonblocking(true).unwrap();
    let sent: Vec<u8> = (0..4u32 << 20).map(|n| n.to_le_bytes()[0]).collect();
    let copying = thread::spawn(move || copy(from, to));
    let expected = sent.clone();
    let writing = thread::spawn(move || source.write_all(&sent));
    let mut got = Vec::new();
    sink.read_to_end(&mut got).unwrap();
    writing.join().unwrap().unwrap();
    copying.join().unwrap().unwrap();
    assert!(got == expected);
}
