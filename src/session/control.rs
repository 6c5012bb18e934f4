//! The agent's control connection.
//!
//! A thread reads it and another writes it, so that the session's loop, which also looks at the
//! time and at signals, never waits for a guest.

use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    sync::mpsc::{self, SyncSender, TrySendError},
    time::Duration,
};

use agent_protocol::{FrameError, ToAgent, read_frame, write_frame};

use super::{
    attach::spawn,
    event::{Event, Events},
};

/// A message has this long to make headway: the guest reads them at once or is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages on their way. More than the commands and connections that may be asked for at once.
const QUEUED: usize = 256;

/// Says things to the agent.
#[derive(Debug)]
pub struct Control {
    queue: SyncSender<Vec<u8>>,
}

impl Control {
    /// Reports what the agent says to `events`, and the end of the connection either way.
    ///
    /// # Errors
    /// If a thread or a duplicate descriptor cannot be had.
    pub fn start(stream: UnixStream, events: &Events) -> io::Result<Self> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut writing = stream.try_clone()?;
        let (queue, messages) = mpsc::sync_channel::<Vec<u8>>(QUEUED);
        let lost = events.clone();
        spawn("to agent", move || {
            for bytes in messages {
                if let Err(e) = writing.write_all(&bytes) {
                    let _ = lost.send(Event::AgentLost(e.to_string()));
                    return;
                }
            }
        })?;
        let events = events.clone();
        spawn("agent", move || {
            loop {
                let event = match read_frame(&stream) {
                    Ok(message) => Event::Agent(message),
                    Err(e) => Event::AgentLost(e.to_string()),
                };
                let last = matches!(event, Event::AgentLost(_));
                if events.send(event).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Self { queue })
    }

    /// Puts a message on its way.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], and nothing else has changed; others if the agent does not read.
    pub fn send(&self, message: &ToAgent) -> Result<(), FrameError> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, message)?;
        self.queue.try_send(bytes).map_err(|error| match error {
            TrySendError::Full(_) => FrameError::Io(io::ErrorKind::TimedOut.into()),
            TrySendError::Disconnected(_) => FrameError::Closed,
        })
    }
}

#[cfg(test)]
#[path = "control_test.rs"]
mod tests;
