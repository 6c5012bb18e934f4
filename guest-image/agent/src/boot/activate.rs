//! The image's own program that completes the root, such as NixOS's activation script.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::{CommandSpec, ImageConfig};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::account::Account;
use crate::command::plan::{self, Environment};
use crate::command::report::{Outcome, outcome};
use crate::command::run::Pipe;
use crate::reap::Reaper;
use crate::sys::fork::{self, Stdio, World};
use crate::sys::process::Ending;
use crate::tail::Tail;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The root could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// The program cannot be started.
    #[error("cannot start the image's activation {program}")]
    Start {
        /// Its path.
        program: String,
        /// What starting it says.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("the image's activation {program} {ending}; {said}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        ending: Ending,
        /// Its last lines.
        said: String,
    },
    /// It did not end.
    #[error("the image's activation {program} did not end within {} seconds; {said}", LIMIT.as_secs())]
    Slow {
        /// Its path.
        program: String,
        /// Its last lines.
        said: String,
    },
}

/// Runs the program if the image has one, as root, and waits for its end.
///
/// # Errors
/// [`ActivateError`].
pub fn run(
    config: &ImageConfig,
    root: &Account,
    environment: &Environment,
    reaper: &Arc<Reaper>,
) -> Result<(), ActivateError> {
    let Some(program) = config.activate.first() else {
        return Ok(());
    };
    let program = || program.clone();
    let failed = |source| ActivateError::Start { program: program(), source };
    let spec = CommandSpec {
        argv: config.activate.iter().map(|word| word.clone().into_bytes()).collect(),
        env: Vec::new(),
        cwd: b"/".to_vec(),
        terminal: None,
        as_root: true,
        main: false,
    };
    let launch = plan::launch(&spec, root, environment)
        .map_err(|(_, errno)| failed(io::Error::from_raw_os_error(errno)))?;
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()));
    let (output, their_output) = pipe()?;
    let (report, their_report) = pipe()?;
    let null: OwnedFd = OpenOptions::new().read(true).open("/dev/null").map_err(failed)?.into();
    let tail = Tail::follow(output).map_err(failed)?;
    let stdio = Stdio::Pipes([null.as_fd(), their_output.as_fd(), their_output.as_fd()]);
    let child = reaper
        .adopt(|| fork::start(&launch, stdio, None, World::Agents, their_report.as_fd()))
        .map_err(failed)?;
    drop((their_output, their_report));
    if let Outcome::Failed(_, errno) = outcome(Pipe(&report), &launch) {
        return Err(failed(io::Error::from_raw_os_error(errno)));
    }
    match child.wait_timeout(LIMIT) {
        Some(Ending::Exited(0)) => Ok(()),
        Some(ending) => {
            Err(ActivateError::Failed { program: program(), ending, said: tail.last() })
        }
        None => Err(ActivateError::Slow { program: program(), said: tail.last() }),
    }
}
