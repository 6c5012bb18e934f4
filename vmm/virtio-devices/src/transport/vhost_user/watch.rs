//! Notices that a running device's process is gone, or that its queues are broken.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::device::Interrupt;
use crate::event::Event;

const SOCKET: Token = Token(0);
const FAILED: Token = Token(1);
const STOP: Token = Token(2);

/// Stack of the watching thread, which does next to nothing.
const STACK: usize = 64 * 1024;

/// A thread that waits for bad news. Dropping it ends the thread, too.
pub(super) struct Watch {
    stop: Event,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches `socket` for hang-ups and `failed` for a backend that gives up on a queue; either
    /// makes the device need a reset.
    pub(super) fn start(
        socket: UnixStream,
        failed: Event,
        interrupt: Arc<dyn Interrupt>,
    ) -> io::Result<Self> {
        let stop = Event::new()?;
        let poll = Poll::new()?;
        let add = |file: RawFd, token, interest| {
            poll.registry().register(&mut SourceFd(&file), token, interest)
        };
        // Hang-ups are reported whatever one asks for; answers are somebody else's.
        add(socket.as_raw_fd(), SOCKET, Interest::PRIORITY)?;
        add(failed.as_raw_fd(), FAILED, Interest::READABLE)?;
        add(stop.as_raw_fd(), STOP, Interest::READABLE)?;
        let thread = std::thread::Builder::new()
            .name("vhost-watch".to_owned())
            .stack_size(STACK)
            .spawn(move || {
            if bad_news(poll) {
                interrupt.needs_reset();
            }
            drop((socket, failed));
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends the watch.
    pub(super) fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Cannot fail: nobody else counts the event up.
            let _ = self.stop.signal();
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.join();
    }
}

/// Waits; false when told to stop.
fn bad_news(mut poll: Poll) -> bool {
    let mut events = Events::with_capacity(4);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return true,
            Ok(()) => {}
        }
        if events.iter().any(|event| event.token() == STOP) {
            return false;
        }
        let failed = |event: &mio::event::Event| event.token() == FAILED || event.is_read_closed();
        if events.iter().any(failed) {
            return true;
        }
    }
}
