//! A session: one machine, from the decision to the exit status.
//!
//! ```text
//!  Spec ─▶ Machine::launch ─▶ processes ─▶ guest dials ─▶ Configure, Spawn ─▶ streams joined
//!                                                                │
//!  Outcome ◀─ every process gone ◀─ Machine dropped ◀─ command ended, output written
//! ```
//!
//! Threads wait for things and report [`event::Event`]s; one loop, on the main thread, decides.
//! The main thread also starts every process, because a process of ours dies with the thread
//! that started it.

mod attach;
mod broker;
mod clock;
mod console;
mod control;
mod engine;
mod error;
mod event;
mod exec;
mod guest;
mod hvf;
#[cfg(target_os = "linux")]
mod kvm;
mod machine;
mod model;
mod publish;
mod registry;
mod running;
pub mod signals;
#[cfg(target_os = "linux")]
mod tcg;
mod timing;
pub mod tty;
mod vmm;

use std::{
    path::Path,
    sync::mpsc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use guest_image::Image;
use serde::Serialize;

use crate::{
    error::plain,
    serve,
    spec::{Accel, Spec},
    sys::names,
};
pub use attach::spawn as spawn_thread;
pub use engine::kernel_line;
pub use error::Error;
pub use exec::{ExecRequest, exec};
pub use machine::{initrd, join_initrd, vsock_ports};
pub use model::{URL as MODEL_URL, told};
pub use registry::{Info, list};
pub use timing::Phases;

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Exit status for qvm.
    pub status: u8,
    /// What ran the virtual CPUs.
    pub accel: Accel,
    /// Name of the machine.
    pub name: String,
    /// What served the guest's model, if it had one.
    pub model: Option<String>,
    /// True if `--timeout` ended it.
    pub timed_out: bool,
    /// Durations.
    pub phases: Phases,
}

/// Runs the command of `spec` in a new machine on `image`. `personal` is the folder of the user's
/// own files for agents; `start` is when qvm started.
///
/// Call on the main thread, before others exist.
///
/// # Errors
/// [`Error`]: qvm failed, status 125. Nothing is left behind then either.
pub fn run(spec: Spec, image: &Image, personal: &Path, start: Instant) -> Result<Outcome, Error> {
    let mut moments = timing::Moments::since(start);
    let (events, inbox) = mpsc::channel();
    let _name = register(&spec, &events)?;
    let published =
        publish::listen(&spec.publish, &events).map_err(|(at, e)| Error::Publish(at, e))?;
    if !spec.output.quiet {
        for (address, port) in published.iter().zip(&spec.publish) {
            eprintln!("qvm: {address} leads to port {} of the guest", port.guest_port);
        }
    }
    moments.decided = Some(Instant::now());
    // This may take minutes, in which a signal does what it usually does: nothing has to be undone.
    let mut model = model(&spec, personal)?;
    moments.served = model.as_ref().map(|_| Instant::now());
    let signal_events = events.clone();
    signals::watch(move |signal| {
        let _ = signal_events.send(event::Event::Signal(signal));
    })
    .map_err(|e| Error::System("watch signals", e))?;

    let machine = machine::Machine::launch(&spec, image, model.as_mut(), &events)?;
    moments.up = Some(Instant::now());
    let mut running = running::Running::new(&spec, model, machine, moments, events)?;
    let ended = running.until_end(&inbox);
    let mut outcome = running.finish();
    outcome.status = ended?;
    Ok(outcome)
}

/// The guest's model, served by now.
fn model(spec: &Spec, personal: &Path) -> Result<Option<model::GuestModel>, Error> {
    let Some(model) = &spec.model else { return Ok(None) };
    let attached = serve::attach(model, spec.output.quiet)?;
    let model = model::GuestModel::new(spec, attached, personal)?;
    if !spec.output.quiet {
        warn(spec, &model);
    }
    Ok(Some(model))
}

/// Says what is going to disappoint the agent that is run.
fn warn(spec: &Spec, model: &model::GuestModel) {
    let agent = spec.argv.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    let note = model.context.and_then(|context| models::context_note(context, &agent));
    if let Some(note) = note {
        eprintln!("qvm: note: {note}");
    }
    if model.messages == Some(false) && agent.rsplit('/').next() == Some("claude") {
        eprintln!(
            "qvm: note: the model server does not speak Anthropic's wire (/v1/messages), which claude needs: {} or newer does",
            models::server::OLDEST
        );
    }
}

/// Makes the session known, and names others in the same workspace.
fn register(spec: &Spec, events: &event::Events) -> Result<names::Name, Error> {
    let workspace = spec.shares.first().map(|s| s.host.display().to_string()).unwrap_or_default();
    if !spec.output.quiet {
        for other in registry::list().unwrap_or_default() {
            if other.workspace == workspace {
                eprintln!(
                    "qvm: note: {} (pid {}) uses this workspace too, running {}",
                    plain(&other.name),
                    other.pid,
                    plain(&other.command)
                );
            }
        }
    }
    let words: Vec<_> = spec.argv.iter().map(|word| word.to_string_lossy()).collect();
    let info = Info {
        name: spec.name.clone(),
        pid: std::process::id(),
        workspace,
        command: if words.is_empty() { "(login shell)".into() } else { words.join(" ") },
        accel: spec.accel.name().into(),
        started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
    };
    Ok(registry::register(info, events.clone())?)
}

/// How often the loop looks at clocks and limits when nothing happens.
const TICK: Duration = Duration::from_secs(1);
