//! One command from its request to its report.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;

use agent_protocol::{
    CommandSpec, FrameError, FromCommand, Opening, SpawnFailure, Token, write_frame,
};
use rustix::pipe::{PipeFlags, pipe_with};

use super::ends::{self, Ours};
use super::events::Flag;
use super::obey::obey;
use super::plan::{self, Environment};
use super::report::{Outcome, outcome};
use super::streams::Progress;
use crate::account::Account;
use crate::log;
use crate::reap::{Child, Reaper};
use crate::sys::fork::{self, World};
use crate::sys::namespaces::Namespaces;
use crate::sys::process::Ending;
use crate::sys::socket::{Dial, open};

/// What surrounds the commands.
pub trait Surroundings: Send + Sync {
    /// A new directory of the cgroup hierarchy for command `id`, which belongs to `account`.
    fn cgroup(&self, id: u32, account: &Account) -> Option<OwnedFd>;

    /// Kills everything in the cgroup of command `id`.
    fn kill(&self, id: u32);

    /// Command `id` has ended; its cgroup can go if it is empty.
    fn left(&self, id: u32);

    /// The namespaces that commands run in, where those are not the agent's.
    fn namespaces(&self) -> Option<&Namespaces> {
        None
    }

    /// After a command was killed: whether that was because what all commands run in has ended,
    /// so that the command's own status means nothing. The host is told by others.
    fn is_over(&self) -> bool {
        false
    }

    /// The main command has ended: ends every other process.
    fn end_processes(&self);

    /// After [`Self::end_processes`]: flushes and unmounts the shares.
    fn end_shares(&self);
}

/// Runs commands.
pub struct Engine {
    /// To the host.
    pub dialer: Arc<dyn Dial>,
    /// Collects the processes.
    pub reaper: Arc<Reaper>,
    /// Runs what is not asked to run as root.
    pub caller: Account,
    /// Runs the rest.
    pub root: Account,
    /// What both find in their environment.
    pub environment: Environment,
    /// The rest of the guest.
    pub around: Arc<dyn Surroundings>,
}

/// A command that could not be followed to its end. The host learns it from its connections,
/// which close.
#[derive(Debug, thiserror::Error)]
enum RunError {
    /// A connection could not be made or written to.
    #[error("cannot reach the host")]
    Host(#[from] FrameError),
    /// A thread could not be made.
    #[error("cannot start a thread")]
    Thread(#[from] io::Error),
}

/// A process that was forked, and may yet fail to execute its program.
struct Forked {
    child: Arc<Child>,
    ours: Ours,
    launch: fork::Launch,
    report: OwnedFd,
}

/// What to tell the host of a command that does not run.
type Failure = (SpawnFailure, i32);

impl Engine {
    /// Starts a command on a thread of its own and returns at once.
    pub fn spawn(self: &Arc<Self>, id: u32, token: Token, spec: CommandSpec) {
        let engine = Arc::clone(self);
        let started = ends::start("command", move || {
            if let Err(error) = engine.run(id, token, &spec) {
                log::warn(format_args!("command {id}: {}", log::causes(&error)));
            }
            engine.around.left(id);
        });
        if let Err(error) = started {
            log::warn(format_args!("command {id}: cannot start a thread: {error}"));
        }
    }

    /// The thread's work.
    fn run(self: &Arc<Self>, id: u32, token: Token, spec: &CommandSpec) -> Result<(), RunError> {
        // The program starts while the connections are made; its output waits in the pipes.
        let forked = self.fork(id, spec);
        let child = forked.as_ref().ok().map(|forked| Arc::clone(&forked.child));
        let result = self.follow(id, token, spec, forked);
        if let (Err(_), Some(child)) = (&result, child) {
            child.signal(libc::SIGKILL);
            self.around.kill(id);
        }
        result
    }

    /// Plans and forks.
    fn fork(&self, id: u32, spec: &CommandSpec) -> Result<Forked, Failure> {
        let account = if spec.as_root { &self.root } else { &self.caller };
        let launch = plan::launch(spec, account, &self.environment)?;
        let failed =
            |error: io::Error| (SpawnFailure::Other, error.raw_os_error().unwrap_or(libc::EIO));
        let (ours, theirs) = ends::make(spec.terminal, launch.identity).map_err(failed)?;
        let (report, their_report) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let cgroup = self.around.cgroup(id, account);
        let cgroup = cgroup.as_ref().map(AsFd::as_fd);
        let world = self.around.namespaces().map_or(World::Agents, World::Other);
        let child = self
            .reaper
            .adopt(|| fork::start(&launch, theirs.stdio(), cgroup, world, their_report.as_fd()))
            .map_err(failed)?;
        Ok(Forked { child: Arc::new(child), ours, launch, report })
    }

    /// Connects to the host and tells it everything, from the start to the end.
    fn follow(
        self: &Arc<Self>,
        id: u32,
        token: Token,
        spec: &CommandSpec,
        forked: Result<Forked, Failure>,
    ) -> Result<(), RunError> {
        let streams = ends::dial(&*self.dialer, id, token, spec.terminal.is_some())?;
        let connection = Arc::new(open(&*self.dialer, &Opening::Command { id, token })?);
        let forked = match forked.and_then(Forked::confirm) {
            Ok((forked, started_nanos)) => {
                write_frame(&*connection, &FromCommand::Started { started_nanos })?;
                forked
            }
            Err((reason, errno)) => {
                write_frame(&*connection, &FromCommand::Failed { reason, errno })?;
                return Ok(());
            }
        };
        let ended = Arc::new(Flag::new()?);
        let (teller, progress) = mpsc::channel();
        let terminal = match &forked.ours {
            Ours::Terminal(controller) => Some(Arc::clone(controller)),
            Ours::Pipes(_) => None,
        };
        let outputs = ends::connect(forked.ours, streams, &ended, spec.main, &teller)?;
        drop(teller);
        let (engine, child, link) =
            (Arc::clone(self), Arc::clone(&forked.child), Arc::clone(&connection));
        ends::start("obey", move || {
            obey(&link, &child, terminal.as_ref(), || engine.around.kill(id))
        })?;

        let ending = forked.child.wait();
        while ending == Ending::Signaled(libc::SIGKILL) && self.around.is_over() {
            thread::park();
        }
        ended.raise();
        self.drain(&progress, outputs, spec.main);
        if spec.main {
            self.around.end_processes();
            self.around.end_shares();
        }
        let report = match ending {
            Ending::Exited(status) => FromCommand::Exited(status),
            Ending::Signaled(signal) => FromCommand::Signaled(signal),
        };
        write_frame(&*connection, &report)?;
        // Half-closed only: the rest goes when the host has read this and closes its side.
        connection.finish();
        Ok(())
    }

    /// Waits until every output is with the host. When all that still flows is held open by what
    /// the main command left behind, that is ended.
    fn drain(&self, progress: &mpsc::Receiver<(usize, Progress)>, outputs: usize, main: bool) {
        let mut states = vec![None; outputs];
        while states.iter().any(|state| *state != Some(Progress::Done)) {
            // All tellers gone: every output has ended, one way or another.
            let Ok((number, step)) = progress.recv() else {
                return;
            };
            if let Some(state) = states.get_mut(number) {
                *state = Some(step);
            }
            let settled = states.iter().all(Option::is_some);
            if main && settled && states.contains(&Some(Progress::Silent)) {
                self.around.end_processes();
            }
        }
    }
}

impl Forked {
    /// Waits until the program runs (and since when, in nanoseconds), or does not.
    fn confirm(self) -> Result<(Self, u64), Failure> {
        match outcome(Pipe(&self.report), &self.launch) {
            Outcome::Started(nanos) => Ok((self, nanos)),
            Outcome::Failed(reason, errno) => {
                self.child.wait();
                Err((reason, errno))
            }
        }
    }
}

/// Reads from a descriptor.
pub struct Pipe<'a>(pub &'a OwnedFd);

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, buffer)?)
    }
}
