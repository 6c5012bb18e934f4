//! The FUSE server: takes one request after the other and answers it.
//!
//! ```text
//!   closed ──INIT──▶ open ──DESTROY──▶ closed      anything else while closed: EIO
//!                     └──INIT: EIO, unless the device was started anew since the last one
//! ```

mod dispatch;
mod init;
mod waiting;

use rustix::io::Errno;
use vm_memory::ByteValued;

use super::decode::{MAX_BODY, decode};
use super::message::{Input, Output};
use super::opcode::Opcode;
use super::passthrough::Passthrough;
use super::sys::linux_errno;
use super::wire::{BatchForgetIn, ForgetOne, InHeader, OutHeader, WriteIn};
use dispatch::Answer;
use waiting::Waiting;
pub use waiting::{Finished, MAX_WAITING};

/// Bytes of the header in front of each reply.
pub const HEADER: usize = size_of::<OutHeader>();

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and the reply has this many bytes; none where none is due.
    Done(u32),
    /// It waits for a lock. [`Server::finished`] names this number when its time has come, and
    /// the room for the reply has to be kept until then.
    Waits(u64),
}

/// A FUSE server for one share.
pub struct Server {
    passthrough: Passthrough,
    open: bool,
    /// An INIT is in order even while open.
    restarted: bool,
    share_locks: bool,
    waiting: Waiting,
    /// For requests and replies; kept, so that nothing is allocated for each.
    body: Vec<u8>,
    reply: Vec<u8>,
}

impl Server {
    /// A server that waits for its INIT. Without `share_locks` the guest is told to keep file
    /// locks to itself.
    #[must_use]
    pub fn new(passthrough: Passthrough, share_locks: bool) -> Self {
        Self {
            passthrough,
            open: false,
            restarted: false,
            share_locks,
            waiting: Waiting::default(),
            body: Vec::new(),
            reply: Vec::new(),
        }
    }

    /// The device was stopped and starts again, for the same guest or for one that has booted
    /// anew: if it says INIT, everything from before is forgotten.
    pub fn restarted(&mut self) {
        self.restarted = true;
    }

    /// The files behind it.
    #[must_use]
    pub fn passthrough(&self) -> &Passthrough {
        &self.passthrough
    }

    #[cfg(test)]
    pub(super) fn passthrough_mut(&mut self) -> &mut Passthrough {
        &mut self.passthrough
    }

    /// Takes one request and answers it.
    pub fn handle(&mut self, input: &mut impl Input, output: &mut impl Output) -> Outcome {
        let mut header = InHeader::default();
        if input.read_exact(header.as_mut_slice()).is_err() {
            // Nobody to answer.
            return Outcome::Done(0);
        }
        let opcode = Opcode::from_number(header.opcode);
        let silent = matches!(opcode, Some(Opcode::Forget | Opcode::BatchForget));
        // Never done half: what cannot be answered is not begun.
        let optional = matches!(opcode, Some(Opcode::Interrupt | Opcode::Destroy));
        if output.remaining() < HEADER && !silent && !optional {
            return Outcome::Done(0);
        }
        let mut body = std::mem::take(&mut self.body);
        self.reply.clear();
        let answer = self.answer(&header, opcode, input, output, &mut body);
        self.body = body;
        match answer {
            _ if silent => Outcome::Done(0),
            Ok(Answer::Nothing) => Outcome::Done(0),
            Ok(Answer::Waits(number)) => Outcome::Waits(number),
            Ok(Answer::Read(count)) => {
                Outcome::Done(write_header(output, header.unique, Ok(()), count))
            }
            Ok(Answer::Reply) => {
                if self.reply.len() > output.remaining().saturating_sub(HEADER) {
                    return Outcome::Done(write_header(output, header.unique, Err(Errno::IO), 0));
                }
                let count = write_header(output, header.unique, Ok(()), self.reply.len());
                // There is room, as was just seen.
                let _ = output.write_all(&self.reply);
                Outcome::Done(count)
            }
            Err(error) => Outcome::Done(write_header(output, header.unique, Err(error), 0)),
        }
    }

    fn answer(
        &mut self,
        header: &InHeader,
        opcode: Option<Opcode>,
        input: &mut impl Input,
        output: &mut impl Output,
        body: &mut Vec<u8>,
    ) -> Result<Answer, Errno> {
        let length = usize::try_from(header.len)
            .ok()
            .and_then(|length| length.checked_sub(size_of::<InHeader>()))
            .filter(|length| *length <= input.remaining())
            .and_then(|length| length.checked_sub(usize::from(header.total_extlen) * 8))
            .ok_or(Errno::INVAL)?;
        let opcode = opcode.ok_or(Errno::NOSYS)?;
        if !self.open && opcode != Opcode::Init {
            return Err(Errno::IO);
        }
        let read = match opcode {
            Opcode::BatchForget => return self.batch_forget(length, input),
            Opcode::Write => length.min(size_of::<WriteIn>()),
            _ if length > MAX_BODY => return Err(Errno::TOOBIG),
            _ => length,
        };
        body.resize(read, 0);
        input.read_exact(body).map_err(|_| Errno::INVAL)?;
        self.dispatch(header, decode(opcode, body)?, input, output)
    }

    /// A list of any length, read piece by piece; never further than the request goes.
    fn batch_forget(&mut self, length: usize, input: &mut impl Input) -> Result<Answer, Errno> {
        let mut list = BatchForgetIn::default();
        let rest = length.checked_sub(size_of::<BatchForgetIn>()).ok_or(Errno::INVAL)?;
        input.read_exact(list.as_mut_slice()).map_err(|_| Errno::INVAL)?;
        let count = usize::try_from(list.count).unwrap_or(usize::MAX);
        for _ in 0..count.min(rest / size_of::<ForgetOne>()) {
            let mut one = ForgetOne::default();
            input.read_exact(one.as_mut_slice()).map_err(|_| Errno::INVAL)?;
            self.passthrough.forget(one.nodeid, one.nlookup);
        }
        Ok(Answer::Nothing)
    }

    /// Whether a request waits for a lock.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Tries the locks that are waited for once more, in the order in which they were asked for,
    /// and takes out the requests that are done with.
    pub fn finished(&mut self) -> Vec<Finished> {
        self.waiting.finished(&mut self.passthrough)
    }

    /// Ends all waiting, as the device stops: whoever waits gets `EAGAIN`.
    pub fn give_up_waiting(&mut self) -> Vec<Finished> {
        self.waiting.give_up(Errno::AGAIN);
        self.finished()
    }
}

/// Writes the header of a reply that has `payload` bytes behind it, and returns the length of
/// both. Returns 0 where there is no room for a header.
pub fn write_header(
    output: &mut impl Output,
    unique: u64,
    result: Result<(), Errno>,
    payload: usize,
) -> u32 {
    let length = u32::try_from(HEADER.saturating_add(payload)).unwrap_or(u32::MAX);
    let header = OutHeader {
        len: length,
        error: result.map_or_else(|error| -linux_errno(error), |()| 0),
        unique,
    };
    match output.write_all(header.as_slice()) {
        Ok(()) => length,
        Err(_) => 0,
    }
}

#[cfg(test)]
#[path = "server_test.rs"]
mod tests;
