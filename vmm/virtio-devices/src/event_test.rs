#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

// The pipe works on every system: tested beside the one in use.
#[cfg(target_os = "linux")]
#[path = "event/pipe.rs"]
mod pipe;

macro_rules! holds_for {
    ($kind:ty) => {
        let event = <$kind>::new().unwrap();
        assert_eq!(event.take().unwrap_err().kind(), ErrorKind::WouldBlock);
        event.signal().unwrap();
        event.try_clone().unwrap().signal().unwrap();
        assert_eq!(event.take().unwrap(), 2);
        assert_eq!(event.take().unwrap_err().kind(), ErrorKind::WouldBlock);

        // Never full, and an edge for whoever has seen it.
        for _ in 0..100_000 {
            event.signal().unwrap();
        }
        let mut poll = Poll::new().unwrap();
        let mut found = Events::with_capacity(1);
        let fd = event.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE).unwrap();
        for _ in 0..3 {
            poll.poll(&mut found, Some(Duration::from_secs(30))).unwrap();
            assert!(!found.is_empty(), "no edge");
            event.seen();
            event.signal().unwrap();
        }

        let event = <$kind>::new_blocking().unwrap();
        let other = event.try_clone().unwrap();
        let waiting = std::thread::spawn(move || other.take().unwrap());
        event.signal().unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    };
}

#[test]
fn the_systems_own() {
    holds_for!(super::Event);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe() {
    holds_for!(pipe::Event);
}
