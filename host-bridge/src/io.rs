//! Between tokio and hyper: streams and timers.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use rustix::fs::OFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixDatagram, UnixStream};

/// Bytes read at a time.
const CHUNK: usize = 16 << 10;

fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
    Ok(())
}

/// Registers a stream with the runtime.
pub(crate) fn stream(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
    set_nonblocking(&stream)?;
    UnixStream::from_std(stream)
}

/// Registers a socket that carries packets with the runtime: the type is one that has a
/// descriptor, and nothing but its readiness is used.
pub(crate) fn packets(socket: OwnedFd) -> io::Result<UnixDatagram> {
    set_nonblocking(&socket)?;
    UnixDatagram::from_std(socket.into())
}

/// What a connection's parts tell each other; they all run in one task.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The end of what the guest sends is kept from hyper, which would take it for an abort.
    pub hold_end: Cell<bool>,
    /// The guest has ended its side while that was held.
    pub ended: Cell<bool>,
    /// The connection is to be closed after the response.
    pub close: Cell<bool>,
}

/// A stream as hyper wants it.
///
/// A guest that closes its writing side after a request may still wait for the response
/// (`printf … | nc -N`), or may be gone: the forwarder in the guest cannot tell the two apart.
/// [`Signals::hold_end`] decides which it is.
pub(crate) struct Io {
    stream: UnixStream,
    signals: Rc<Signals>,
}

impl Io {
    pub(crate) fn new(stream: UnixStream, signals: Rc<Signals>) -> Self {
        Self { stream, signals }
    }
}

impl Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.signals.ended.get() && self.signals.hold_end.get() {
            return Poll::Pending;
        }
        let mut chunk = [const { std::mem::MaybeUninit::uninit() }; CHUNK];
        let length = buffer.remaining().min(CHUNK);
        let mut chunk = ReadBuf::uninit(&mut chunk[..length]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
        if chunk.filled().is_empty() && length > 0 && self.signals.hold_end.get() {
            self.signals.ended.set(true);
            // The task looks at the signals after each turn.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        buffer.put_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }
}

/// tokio's clock for hyper.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock;

struct Pause(Pin<Box<tokio::time::Sleep>>);

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Pause(Box::pin(tokio::time::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Pause(Box::pin(tokio::time::sleep_until(deadline.into()))))
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Pause {}
