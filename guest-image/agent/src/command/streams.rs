//! Copies bytes between a command's descriptors and its connections to the host.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::events::{Flag, wait};
use super::pty;
use crate::sys::socket::Socket;

/// Bytes copied at once. As large as the pipes, so that one wake-up moves what is there.
const CHUNK: usize = 128 << 10;

/// How long an output may stay silent after its command ended before nobody waits for more,
/// while some other process still holds it open. A filter that the command left behind, such as
/// `> >(tee log)` in bash, has this long to go on.
const SILENCE: Duration = Duration::from_millis(100);

/// What [`output`] tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The command has ended, and nothing came for a while, but somebody holds the stream open.
    Silent,
    /// Everything is sent and the connection is shut down.
    Done,
}

/// Where [`input`] goes.
#[derive(Debug)]
pub enum Sink {
    /// A pipe, closed at the end of input. Not blocking.
    Pipe(OwnedFd),
    /// The controlling side of a terminal, which gets its end-of-input character. Not blocking.
    Terminal(Arc<OwnedFd>),
}

/// Why [`copy`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Nobody can write to the stream any more, or the host does not want more.
    Closed,
    /// As [`Progress::Silent`].
    Silent,
}

/// Gives a pipe room for a whole chunk. A pipe that stays small is merely slower.
pub fn enlarge(pipe: impl AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, CHUNK);
}

/// Copies from `from` (a pipe or the controlling side of a terminal) to `to` until its end.
///
/// Once `ended` is raised and the stream has been silent, tells so. Then it goes on to the end
/// if `to_the_end`; or else it ends the connection and throws away what still comes, so that a
/// process left behind is not killed by writing. When the host does not want more, the stream is
/// closed, and a writer gets SIGPIPE or a hang-up as it would on the host.
pub fn output(
    from: impl AsFd,
    to: &Socket,
    ended: &Flag,
    to_the_end: bool,
    mut tell: impl FnMut(Progress),
) {
    let mut buffer = vec![0u8; CHUNK];
    let mut stop = copy(from.as_fd(), to, &mut buffer, Some(ended));
    if stop == Stop::Silent {
        tell(Progress::Silent);
        if to_the_end {
            stop = copy(from.as_fd(), to, &mut buffer, None);
        }
    }
    to.finish();
    if stop == Stop::Closed {
        drop(from);
        tell(Progress::Done);
        return;
    }
    tell(Progress::Done);
    while wait([(from.as_fd(), PollFlags::IN)], None).is_ok() {
        match rustix::io::read(&from, &mut buffer[..]) {
            Ok(1..) | Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// Copies until the stream ends or, where there is a flag to watch, is silent after it is raised.
fn copy(from: BorrowedFd<'_>, mut to: &Socket, buffer: &mut [u8], ended: Option<&Flag>) -> Stop {
    let mut over = false;
    loop {
        let ready = match ended {
            // A raised flag stays raised, so it is left out once seen.
            Some(ended) if !over => {
                wait([(from, PollFlags::IN), (ended.as_fd(), PollFlags::IN)], None)
            }
            _ => wait([(from, PollFlags::IN)], over.then_some(SILENCE)).map(|[from]| [from, false]),
        };
        match ready {
            Ok([true, flag]) => over |= flag,
            Ok([false, true]) => {
                over = true;
                continue;
            }
            Ok([false, false]) => return Stop::Silent,
            Err(_) => return Stop::Closed,
        }
        match rustix::io::read(from, &mut *buffer) {
            Ok(count @ 1..) => {
                if to.write_all(buffer.get(..count).unwrap_or_default()).is_err() {
                    return Stop::Closed;
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            // A terminal that nobody has open any more reads as an error.
            Ok(0) | Err(_) => return Stop::Closed,
        }
    }
}

/// Copies from the host to the command until the host ends the input, nobody can read it any
/// more, or `ended` is raised.
pub fn input(from: &Socket, to: Sink, ended: &Flag) {
    let mut buffer = vec![0u8; CHUNK];
    loop {
        let ready = match &to {
            // Polled for nothing, a pipe still tells that its readers are gone.
            Sink::Pipe(pipe) => wait(
                [
                    (from.as_fd(), PollFlags::IN),
                    (pipe.as_fd(), PollFlags::empty()),
                    (ended.as_fd(), PollFlags::IN),
                ],
                None,
            ),
            Sink::Terminal(_) => {
                wait([(from.as_fd(), PollFlags::IN), (ended.as_fd(), PollFlags::IN)], None)
                    .map(|[from, ended]| [from, false, ended])
            }
        };
        let Ok([true, false, false]) = ready else {
            return;
        };
        let mut from = from;
        match from.read(&mut buffer) {
            Ok(count @ 1..) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if write_all(to.as_fd(), bytes, ended).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
        }
    }
    if let Sink::Terminal(controller) = &to {
        if let Some(character) = pty::end_of_input(controller) {
            let _ = write_all(controller.as_fd(), &[character], ended);
        }
    }
}

/// Writes everything to a descriptor that does not block, unless `ended` is raised meanwhile.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8], ended: &Flag) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let [_, over] = wait([(to, PollFlags::OUT), (ended.as_fd(), PollFlags::IN)], None)?;
                if over {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Pipe(pipe) => pipe.as_fd(),
            Self::Terminal(controller) => controller.as_fd(),
        }
    }
}

#[cfg(test)]
#[path = "streams_test.rs"]
mod tests;
