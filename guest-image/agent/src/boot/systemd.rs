//! systemd, for images that want it: PID 1 of a namespace of processes below the agent's.
//!
//! ```text
//!   agent (PID 1) ── fork ──▶ systemd (PID 1 of its own)      cgroup /systemd, as its root
//!     │                         └── services
//!     └── fork, into the same namespaces ──▶ commands         cgroup /systemd/command-N
//! ```
//!
//! The agent stays what it is: it starts, follows, signals and ends commands, relays connections
//! and unmounts the shares. systemd is told that it lives in a container
//! (<https://systemd.io/CONTAINER_INTERFACE>) and says `READY=1` on a socket when it is up; no
//! command runs before. A machine whose systemd ends before its command does is of no use, and
//! ends.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use agent_protocol::{FromAgent, TerminalSize};
use rustix::pipe::{PipeFlags, pipe_with};

use super::cgroups;
use crate::command::ends::start as start_thread;
use crate::command::plan::Environment;
use crate::command::pty;
use crate::command::report::{Outcome, outcome};
use crate::command::run::Pipe;
use crate::control::Control;
use crate::end::Ender;
use crate::log;
use crate::reap::{Child, Reaper};
use crate::sys::fork::{self, Launch, Stdio, World};
use crate::sys::namespaces::{Container, Namespaces};
use crate::sys::process::Ending;
use crate::tail::Tail;

/// How long it may take to be up before the kernel's log says what it does. The host, which cuts
/// off a machine that does not come up, shows that.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take at all: the host waits longer only where a processor is emulated.
const LIMIT: Duration = Duration::from_secs(150);

/// Where it says that it is up; nobody but root gets at it.
const SOCKET: &str = "/run/qvm/notify";

/// What its console is said to be: no colours, lines as wide as errors bear.
const SIZE: TerminalSize = TerminalSize { rows: 24, columns: 120 };

/// systemd is not there for the commands.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// It cannot be started.
    #[error("cannot start {program}")]
    Start {
        /// Its path.
        program: String,
        /// What starting it says.
        #[source]
        source: io::Error,
    },
    /// It did not come up.
    #[error("systemd was not up within {} seconds; {said}", LIMIT.as_secs())]
    Slow {
        /// The last lines of its console.
        said: String,
    },
    /// It is gone.
    #[error("systemd {ending}; {said}")]
    Ended {
        /// How it ended.
        ending: Ending,
        /// The last lines of its console.
        said: String,
    },
}

/// A systemd that runs.
#[derive(Debug)]
pub struct Systemd {
    /// For the commands.
    pub namespaces: Namespaces,
    child: Child,
    console: Tail,
    /// Kept open, so that the console can be read while systemd has it closed.
    _terminal: OwnedFd,
}

/// What is heard of one that starts.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Ready,
    Ended,
}

/// Starts `program` and waits until it is up.
///
/// # Errors
/// [`SystemdError`].
pub fn start(
    program: &str,
    environment: &Environment,
    reaper: &Arc<Reaper>,
) -> Result<Arc<Systemd>, SystemdError> {
    let failed = |source| SystemdError::Start { program: program.into(), source };
    let socket = listen().map_err(failed)?;
    let systemd = Arc::new(launch(program, environment, reaper).map_err(failed)?);
    let (teller, news) = channel();
    let heard = teller.clone();
    start_thread("notify", move || await_ready(&socket, &heard)).map_err(failed)?;
    let watched = Arc::clone(&systemd);
    start_thread("systemd", move || {
        watched.child.wait();
        // Nobody listens any more once it is up.
        let _ = teller.send(News::Ended);
    })
    .map_err(failed)?;
    let mut heard = news.recv_timeout(PATIENCE);
    if heard == Err(RecvTimeoutError::Timeout) {
        log::warn(format_args!("systemd is not up yet; {}", systemd.console.last()));
        heard = news.recv_timeout(LIMIT.saturating_sub(PATIENCE));
    }
    match heard {
        Ok(News::Ready) => Ok(systemd),
        Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => Err(systemd.obituary()),
        Err(RecvTimeoutError::Timeout) => Err(SystemdError::Slow { said: systemd.console.last() }),
    }
}

/// The socket of [`SOCKET`].
fn listen() -> io::Result<UnixDatagram> {
    if let Some((folder, _)) = SOCKET.rsplit_once('/') {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    UnixDatagram::bind(SOCKET)
}

/// Reads what systemd says of itself until it is up (`sd_notify(3)`: lines of a datagram).
fn await_ready(socket: &UnixDatagram, teller: &Sender<News>) {
    let mut buffer = [0u8; 4096];
    while let Ok(count) = socket.recv(&mut buffer) {
        let message = buffer.get(..count).unwrap_or_default();
        if message.split(|&byte| byte == b'\n').any(|line| line == b"READY=1") {
            let _ = teller.send(News::Ready);
            break;
        }
    }
    // What it says later has nowhere to go, and need not.
    let _ = fs::remove_file(SOCKET);
}

/// Forks it.
fn launch(program: &str, environment: &Environment, reaper: &Arc<Reaper>) -> io::Result<Systemd> {
    let pty = pty::open(SIZE, None)?;
    let name = rustix::pty::ptsname(&pty.controller, Vec::new())?;
    let console = Tail::follow(pty.controller)?;
    let (report, their_report) = pipe_with(PipeFlags::CLOEXEC)?;
    let cgroup = cgroups::make(cgroups::SYSTEMD)?;
    let launch = Launch {
        candidates: vec![CString::new(program)?],
        // What PID 1 of a container finds here it takes for the kernel's line. Nobody could log in
        // on the console.
        argv: vec![CString::new(program)?, c"systemd.getty_auto=no".into()],
        envp: variables(environment)?,
        cwd: c"/".into(),
        identity: None,
    };
    let container = Container { console: name };
    let stdio = Stdio::Pipes([pty.terminal.as_fd(); 3]);
    let child = reaper.adopt(|| {
        let world = World::New(&container);
        fork::start(&launch, stdio, Some(cgroup.as_fd()), world, their_report.as_fd())
    })?;
    drop(their_report);
    if let Outcome::Failed(_, errno) = outcome(Pipe(&report), &launch) {
        return Err(io::Error::from_raw_os_error(errno));
    }
    let namespaces = Namespaces::of(child.pid())?;
    Ok(Systemd { namespaces, child, console, _terminal: pty.terminal })
}

/// Its environment.
fn variables(environment: &Environment) -> io::Result<Vec<CString>> {
    let path = [b"PATH=".as_slice(), &environment.path].concat();
    let socket = format!("NOTIFY_SOCKET={SOCKET}");
    Ok(vec![
        CString::new(path)?,
        c"container=qvm".into(),
        c"TERM=dumb".into(),
        CString::new(socket)?,
    ])
}

impl Systemd {
    /// Ends the machine, with word to the host, should it end before `ender` has begun to end
    /// everything.
    ///
    /// # Errors
    /// `EAGAIN` when there can be no more threads.
    pub fn watch(self: &Arc<Self>, control: Control, ender: Arc<Ender>) -> io::Result<()> {
        let systemd = Arc::clone(self);
        start_thread("watch", move || {
            systemd.child.wait();
            if !ender.has_begun() {
                let text = log::causes(&systemd.obituary());
                log::fatal(&text);
                // The host ends the machine.
                let _ = control.send(&FromAgent::Fatal(text));
            }
        })
    }

    /// How it ended.
    fn obituary(&self) -> SystemdError {
        SystemdError::Ended { ending: self.child.wait(), said: self.console.last() }
    }
}
