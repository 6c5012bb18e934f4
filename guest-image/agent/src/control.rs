//! The control connection: what the host asks of the agent.

use std::sync::{Arc, Mutex, PoisonError};

use agent_protocol::{FrameError, FromAgent, Opening, ToAgent, VERSION, read_frame, write_frame};

use crate::clock;
use crate::command::ends::start;
use crate::command::run::Engine;
use crate::end::{Ender, power_off};
use crate::forward;
use crate::log;
use crate::relay::Slots;
use crate::sys::socket::{Dial, Socket, open};

/// The control connection; any thread may send.
#[derive(Debug, Clone)]
pub struct Control {
    socket: Arc<Socket>,
    sending: Arc<Mutex<()>>,
}

impl Control {
    /// Dials the host.
    ///
    /// # Errors
    /// As [`open`].
    pub fn dial(dialer: &dyn Dial) -> Result<Self, FrameError> {
        let socket = open(dialer, &Opening::Control { version: VERSION })?;
        Ok(Self { socket: Arc::new(socket), sending: Arc::default() })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`write_frame`].
    pub fn send(&self, message: &FromAgent) -> Result<(), FrameError> {
        let _turn = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        write_frame(&*self.socket, message)
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// As [`read_frame`].
    pub fn receive(&self) -> Result<ToAgent, FrameError> {
        read_frame(&*self.socket)
    }
}

/// Does what the host asks until it asks for the end or is gone.
pub fn serve(control: &Control, engine: &Arc<Engine>, ender: &Ender, slots: &Slots) -> ! {
    loop {
        match control.receive() {
            Ok(ToAgent::Spawn { id, token, command }) => engine.spawn(id, token, command),
            Ok(ToAgent::SetTime { unix_nanos }) => clock::correct(unix_nanos),
            Ok(ToAgent::Dial { id, token, port }) => {
                let (dialer, slots, answer) =
                    (Arc::clone(&engine.dialer), slots.clone(), control.clone());
                let started = start("dial", move || {
                    if let Err(errno) = forward::reach(id, token, port, &*dialer, &slots) {
                        // Without the control connection the machine is about to end.
                        let _ = answer.send(&FromAgent::DialFailed { id, errno });
                    }
                });
                if started.is_err() {
                    let _ = control.send(&FromAgent::DialFailed { id, errno: libc::EAGAIN });
                }
            }
            Ok(ToAgent::Shutdown) => {
                ender.processes();
                ender.shares();
                let _ = control.send(&FromAgent::Stopped);
                power_off();
            }
            Ok(ToAgent::Configure(_)) => log::warn("the host configured this guest twice"),
            Err(error) => {
                // Without the host nobody sees what runs here, and its end would never come.
                if !matches!(error, FrameError::Closed) {
                    log::fatal(format_args!(
                        "the control connection failed: {}",
                        log::causes(&error)
                    ));
                }
                power_off();
            }
        }
    }
}
