//! The loop of a running session.
//!
//! ```text
//!  booting ──Control──▶ configured ──Opened──▶ attached ──Ended──▶ over
//!     │                     │                     │
//!     └──── time, death of a process, Fatal ──────┴──▶ error, or 128+N for a signal before attach
//! ```

use std::{
    collections::HashMap,
    io,
    net::TcpStream,
    os::unix::net::UnixStream,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use agent_protocol::{CommandSpec, FrameError, FromAgent, SpawnFailure, ToAgent};

use super::{
    Outcome, TICK,
    attach::{self, Attached, Connections, End, spawn},
    broker::{Broker, Expect},
    clock,
    control::Control,
    error::{Error, Tail},
    event::{Event, Events},
    guest,
    machine::Machine,
    model::GuestModel,
    publish::Relays,
    registry, signals,
    timing::Moments,
    tty,
};
use crate::spec::{Accel, Spec};

/// From `--timeout` or a signal that asks to end, until the machine is cut off.
const GRACE: Duration = Duration::from_secs(10);
/// Commands of `qvm exec` that may wait for their connections.
const EXEC_LIMIT: usize = 64;

/// A session whose machine is up.
pub struct Running<'a> {
    spec: &'a Spec,
    model: Option<GuestModel>,
    machine: Machine,
    moments: Moments,
    events: Events,
    broker: Broker,
    control: Option<Control>,
    terminal: bool,
    main: u32,
    handle: Option<attach::Handle>,
    raw: Option<tty::RawTerminal>,
    execs: HashMap<u32, (UnixStream, bool)>,
    dials: HashMap<u32, TcpStream>,
    relays: Relays,
    clock: clock::Watch,
    boot_deadline: Instant,
    deadline: Option<Instant>,
    cut: Option<(Instant, u8)>,
    timed_out: bool,
}

impl<'a> Running<'a> {
    /// Starts to listen to the guest.
    pub fn new(
        spec: &'a Spec,
        model: Option<GuestModel>,
        mut machine: Machine,
        moments: Moments,
        events: Events,
    ) -> Result<Self, Error> {
        let channel = machine.take_channel();
        let broker = Broker::start(channel, events.clone())
            .map_err(|e| Error::System("start threads", e))?;
        Ok(Self {
            boot_deadline: Instant::now() + boot_time(spec),
            spec,
            model,
            machine,
            moments,
            events,
            broker,
            control: None,
            terminal: tty::interactive(),
            main: 0,
            handle: None,
            raw: None,
            execs: HashMap::new(),
            dials: HashMap::new(),
            relays: Relays::default(),
            clock: clock::Watch::new(),
            deadline: None,
            cut: None,
            timed_out: false,
        })
    }

    /// Runs to the end of the command; gives qvm's exit status.
    pub fn until_end(&mut self, inbox: &Receiver<Event>) -> Result<u8, Error> {
        loop {
            let event = match inbox.recv_timeout(self.wait()) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                // Unreachable while `self.events` lives; ending is the safe answer.
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::AgentLost("no events".into()));
                }
            };
            if let Some(status) = match event {
                Some(event) => self.handle(event)?,
                None => None,
            } {
                return Ok(status);
            }
            if let Some(status) = self.look_at_clocks()? {
                return Ok(status);
            }
        }
    }

    /// Tears everything down; returns when no process is left.
    pub fn finish(mut self) -> Outcome {
        self.raw = None;
        self.machine.stop();
        self.moments.gone = Some(Instant::now());
        Outcome {
            status: 0,
            accel: self.spec.accel,
            name: self.spec.name.clone(),
            timed_out: self.timed_out,
            model: self.model.map(|model| model.backend),
            phases: self.moments.phases(),
        }
    }

    fn wait(&self) -> Duration {
        let now = Instant::now();
        [
            self.deadline,
            self.cut.map(|(at, _)| at),
            self.moments.started.is_none().then_some(self.boot_deadline),
        ]
        .into_iter()
        .flatten()
        .map(|at| at.saturating_duration_since(now))
        .fold(TICK, Duration::min)
    }

    fn look_at_clocks(&mut self) -> Result<Option<u8>, Error> {
        let now = Instant::now();
        if let Some((at, status)) = self.cut {
            if now >= at {
                return Ok(Some(status));
            }
        }
        if self.moments.started.is_none() && now >= self.boot_deadline {
            let tail = Tail { lines: self.machine.console.telling(), notes: Vec::new() };
            return Err(Error::BootTimeout(boot_time(self.spec).as_secs(), tail));
        }
        if self.deadline.is_some_and(|at| now >= at) {
            self.deadline = None;
            self.timed_out = true;
            match &mut self.handle {
                Some(handle) => handle.signal(signal_hook::consts::SIGTERM),
                None => return Ok(Some(124)),
            }
            self.cut = Some((now + GRACE, 124));
        }
        if self.clock.due() && self.control.is_some() {
            self.send(&ToAgent::SetTime { unix_nanos: clock::unix_nanos() })?;
        }
        Ok(None)
    }

    fn handle(&mut self, event: Event) -> Result<Option<u8>, Error> {
        match event {
            Event::Control(stream) => self.control_is_here(stream)?,
            Event::Agent(message) => self.agent_says(message)?,
            Event::AgentLost(why) => return Err(self.agent_lost(why)),
            Event::Opened(id, connections) if id == self.main => self.join(connections)?,
            Event::Opened(id, connections) => {
                if let Some((client, _)) = self.execs.remove(&id) {
                    // A client that is stopped holds nobody up.
                    let hand_over = move || drop(registry::hand_over(&client, &connections));
                    let _ = spawn("hand over", hand_over);
                }
            }
            Event::Dialed(id, guest) => {
                if let Some(host) = self.dials.remove(&id) {
                    self.relays.join(host, guest);
                }
            }
            Event::Attached(Attached::Started(_)) => {
                // Once: a guest that says it again does not get more time.
                if self.moments.start(Instant::now()) {
                    self.deadline = self.spec.timeout.map(|limit| Instant::now() + limit);
                }
            }
            Event::Attached(Attached::Ended(End::Lost)) => {
                // Our own processes know better what happened; they are asked first.
                return Err(self.agent_lost("the command's connection ended".into()));
            }
            Event::Attached(Attached::Ended(end)) => {
                self.moments.ended = Some(Instant::now());
                let status = status_of(end)?;
                return Ok(Some(if self.timed_out { 124 } else { status }));
            }
            Event::Signal(signal) => return Ok(self.signal(signal)),
            Event::Ended(which) => return Err(self.process_gone(which)),
            Event::Exec(command, client) => self.exec(command, client),
            Event::Published(stream, port) => self.dial(stream, port),
        }
        Ok(None)
    }

    fn send(&mut self, message: &ToAgent) -> Result<(), Error> {
        let Some(control) = &self.control else { return Ok(()) };
        control.send(message).map_err(|e| self.agent_lost(e.to_string()))
    }

    fn control_is_here(&mut self, stream: UnixStream) -> Result<(), Error> {
        if self.control.is_some() {
            return Ok(());
        }
        let control = Control::start(stream, &self.events)
            .map_err(|e| Error::System("set up the agent's connection", e))?;
        self.control = Some(control);
        self.moments.entry = self.machine.first_entry();
        self.send(&ToAgent::Configure(guest::config(self.spec, self.model.as_ref())))?;
        let size = self.terminal.then(tty::size);
        let (id, token) = self.expect(self.terminal)?;
        self.main = id;
        let command = guest::command(self.spec, self.model.as_ref(), size);
        self.send(&ToAgent::Spawn { id, token, command })
    }

    fn expect(&self, terminal: bool) -> Result<(u32, agent_protocol::Token), Error> {
        let what = if terminal { Expect::Terminal } else { Expect::Pipes };
        self.broker.expect(what).map_err(|e| Error::System("draw a token", e))
    }

    fn agent_says(&mut self, message: FromAgent) -> Result<(), Error> {
        match message {
            FromAgent::Ready { started_nanos, ready_nanos } => {
                let ran = Duration::from_nanos(ready_nanos.saturating_sub(started_nanos));
                self.moments.ready = Some((Instant::now(), ran));
            }
            FromAgent::Fatal(why) if self.moments.ready.is_some() => {
                return Err(Error::AgentStopped(printable(&why)));
            }
            FromAgent::Fatal(why) => return Err(Error::Agent(printable(&why))),
            FromAgent::DialFailed { id, .. } => {
                // Closing tells the host's client what a refused connection would.
                self.broker.forget(id);
                self.dials.remove(&id);
            }
            FromAgent::Stopped => {}
        }
        Ok(())
    }

    fn join(&mut self, connections: Connections) -> Result<(), Error> {
        if self.terminal {
            self.raw = Some(tty::RawTerminal::enter().map_err(Error::Terminal)?);
        }
        let events = self.events.clone();
        let mut handle = attach::attach(connections, move |attached| {
            let _ = events.send(Event::Attached(attached));
        })
        .map_err(|e| Error::System("start threads", e))?;
        if self.terminal {
            // It may have changed while the guest booted.
            handle.resize();
        }
        self.handle = Some(handle);
        Ok(())
    }

    fn signal(&mut self, signal: i32) -> Option<u8> {
        match &mut self.handle {
            Some(handle) if signals::resized(signal) => handle.resize(),
            Some(handle) => {
                handle.signal(signal);
                if signals::asks_to_end(signal) && signal != signal_hook::consts::SIGINT {
                    // A command may take its time over SIGINT; whoever sends the others wants out.
                    let status = killed_by(signal);
                    self.cut.get_or_insert((Instant::now() + GRACE, status));
                }
            }
            None if signals::asks_to_end(signal) => return Some(killed_by(signal)),
            None => {}
        }
        None
    }

    fn exec(&mut self, mut command: CommandSpec, client: UnixStream) {
        self.execs.retain(|id, (client, _)| {
            let there = registry::is_there(client);
            if !there {
                self.broker.forget(*id);
            }
            there
        });
        if self.moments.ready.is_none() || self.execs.len() >= EXEC_LIMIT {
            return registry::refuse(&client, "the machine is not ready; try again in a moment");
        }
        if command.cwd.is_empty() {
            command.cwd = guest::bytes(&self.spec.workdir);
        }
        let own = guest::with_shell(self.spec, command.env);
        command.env = guest::with_model(self.model.as_ref(), own);
        let terminal = command.terminal.is_some();
        command.main = false;
        let Ok((id, token)) = self.expect(terminal) else {
            return registry::refuse(&client, "no random bytes");
        };
        let Some(control) = &self.control else { return };
        match control.send(&ToAgent::Spawn { id, token, command }) {
            Ok(()) => drop(self.execs.insert(id, (client, terminal))),
            Err(error) => {
                self.broker.forget(id);
                let why = match error {
                    FrameError::TooLong(_) => "the command line is too long",
                    _ => "the guest does not answer",
                };
                registry::refuse(&client, why);
            }
        }
    }

    fn dial(&mut self, stream: TcpStream, port: u16) {
        if self.moments.ready.is_none() || !self.relays.room() || self.dials.len() >= EXEC_LIMIT {
            return;
        }
        let Ok((id, token)) = self.broker.expect(Expect::Dialed) else { return };
        if self.send(&ToAgent::Dial { id, token, port }).is_ok() {
            self.dials.insert(id, stream);
        }
    }

    /// The agent went away. If the machine did too, that is the better explanation: wait for it.
    fn agent_lost(&mut self, why: String) -> Error {
        match self.machine.wait_briefly() {
            Some(which) => self.process_gone(which),
            None => Error::AgentLost(why),
        }
    }

    fn process_gone(&mut self, which: usize) -> Error {
        self.machine.explain(which)
    }
}

/// Time for the guest to dial: a loaded machine under emulation boots slowly.
fn boot_time(spec: &Spec) -> Duration {
    let given = std::env::var("QVM_BOOT_TIMEOUT").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(given.unwrap_or(match spec.accel {
        Accel::Kvm | Accel::Hvf => 90,
        Accel::Tcg => 180,
    }))
}

fn killed_by(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128)).unwrap_or(125)
}

/// The exit status that stands for an end.
///
/// # Errors
/// For ends that are qvm's failure rather than the command's.
pub(super) fn status_of(end: End) -> Result<u8, Error> {
    match end {
        End::Exited(status) => Ok(status),
        End::Signaled(signal) => Ok(killed_by(signal)),
        End::Failed(reason, errno) => {
            let why = io::Error::from_raw_os_error(errno);
            match reason {
                SpawnFailure::NotFound => {
                    eprintln!("qvm: the command was not found in the guest: {why}");
                    Ok(127)
                }
                SpawnFailure::NotExecutable => {
                    // The file is there, as the agent has found out: the kernel misses another.
                    let missing = if why.kind() == io::ErrorKind::NotFound {
                        "; the image lacks its interpreter, or the loader it was built for"
                    } else {
                        ""
                    };
                    eprintln!("qvm: the command cannot be executed in the guest: {why}{missing}");
                    Ok(126)
                }
                SpawnFailure::WorkingDirectory => Err(Error::WorkingDirectory(why)),
                SpawnFailure::Other => Err(Error::Command(why)),
            }
        }
        End::Lost => Err(Error::AgentLost("the command's connection ended".into())),
    }
}

/// One line of the guest's, fit for a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}
