//! The first contact with the host.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use agent_protocol::{FrameError, GuestConfig, ToAgent, VERSION};

use crate::command::STACK;
use crate::control::Control;
use crate::sys::socket::Dial;

/// How long to go on dialing. The device is usually there when its driver is.
const LIMIT: Duration = Duration::from_secs(10);

/// The host did not answer, or not as it should.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Nobody answers the agent's port.
    #[error("no connection over vsock")]
    Dial(#[source] FrameError),
    /// The connection broke before the configuration came.
    #[error("no configuration came")]
    Configure(#[source] FrameError),
    /// Something else came.
    #[error("the host did not begin with the configuration")]
    Unexpected,
    /// Host and image do not belong together.
    #[error(
        "the host speaks version {0} of the agent's protocol and this image {VERSION}; rebuild the image"
    )]
    Version(u32),
    /// The thread could not be made or ended badly.
    #[error("no thread to dial with")]
    Thread(#[source] io::Error),
}

/// What the host sends first.
type Contact = Result<(Control, GuestConfig), HostError>;

/// Dials the host in the background.
pub struct Dialing<D> {
    dialer: D,
    thread: Mutex<Option<JoinHandle<Contact>>>,
}

impl<D: Dial + Clone + 'static> Dialing<D> {
    /// Nothing happens yet.
    pub fn new(dialer: D) -> Self {
        Self { dialer, thread: Mutex::new(None) }
    }

    /// Begins to dial, unless it has begun.
    pub fn begin(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let dialer = self.dialer.clone();
            // If there can be no thread, `finish` dials itself.
            *thread = thread::Builder::new()
                .name("dial".into())
                .stack_size(STACK)
                .spawn(move || contact(&dialer))
                .ok();
        }
    }

    /// Waits for the host's configuration.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn finish(&self) -> Contact {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(HostError::Thread(io::ErrorKind::Other.into()))),
            None => contact(&self.dialer),
        }
    }
}

/// Dials until somebody answers, and receives the configuration.
fn contact(dialer: &dyn Dial) -> Contact {
    let until = Instant::now() + LIMIT;
    let mut pause = Duration::from_micros(200);
    let control = loop {
        match Control::dial(dialer) {
            Ok(control) => break control,
            Err(error) if Instant::now() > until => return Err(HostError::Dial(error)),
            // The device is not there yet, or the host does not listen yet.
            Err(_) => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    match control.receive().map_err(HostError::Configure)? {
        ToAgent::Configure(config) if config.version == VERSION => Ok((control, config)),
        ToAgent::Configure(config) => Err(HostError::Version(config.version)),
        _ => Err(HostError::Unexpected),
    }
}
