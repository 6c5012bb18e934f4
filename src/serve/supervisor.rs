//! What the main thread of `qvm serve` brings about, and who waits for it.

use std::{
    collections::VecDeque,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{SendError, Sender},
    },
    time::{Duration, Instant},
};

use host_bridge::link::{Entry, Failure, State, Status, Supplier};
use models::{Id, Profile};

use super::{
    control::{Choice, Info},
    health,
};
use crate::process;

/// Longest wait for a model, a little more than what a load may take.
const PATIENCE: Duration = Duration::from_secs(330);
/// A server that ended is started again for the next request, but no more often than this within
/// [`RESTART_TIME`].
const RESTARTS: usize = 3;
/// See [`RESTARTS`].
const RESTART_TIME: Duration = Duration::from_secs(60);
/// An answer of the launcher comes at once, unless it is dead.
const CHANNEL_PATIENCE: Duration = Duration::from_secs(10);

/// What the main thread is told.
#[derive(Debug)]
pub(super) enum Event {
    /// Load this one. The state is `Starting` already.
    Load,
    /// The server of this number ended.
    Ended(u64),
    /// A link was opened or closed.
    Users,
    /// SIGINT, SIGTERM or the like.
    Signal(i32),
    /// Somebody asked for the end; dropping the sender tells them.
    Stop(Sender<()>),
}

/// The way to a server that runs.
#[derive(Debug)]
pub(super) struct Served(Mutex<OwnedFd>);

impl Served {
    /// Over a launcher's channel.
    pub(super) fn new(channel: OwnedFd) -> io::Result<Self> {
        rustix::net::sockopt::set_socket_timeout(
            &channel,
            rustix::net::sockopt::Timeout::Recv,
            Some(CHANNEL_PATIENCE),
        )?;
        Ok(Self(Mutex::new(channel)))
    }

    /// A connection to the server.
    pub(super) fn connect(&self) -> io::Result<std::os::unix::net::UnixStream> {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        process::connect_model(&channel)
    }

    /// Asks the server something.
    pub(super) fn ask(
        &self,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> io::Result<health::Reply> {
        health::ask(health::Stream::Unix(self.connect()?), path, body)
    }
}

/// What is known, all of it under one lock.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: State,
    /// What is loaded or being loaded.
    pub(super) profile: Profile,
    /// What was loaded before, while another is tried.
    pub(super) fallback: Option<Profile>,
    pub(super) served: Option<Arc<Served>>,
    pub(super) context: Option<u32>,
    pub(super) messages: Option<bool>,
    pub(super) devices: Vec<String>,
    /// Why nothing is loaded, or why the last switch failed.
    pub(super) failure: Option<String>,
    pub(super) links: usize,
    restarts: VecDeque<Instant>,
}

/// Where models are looked up: anew each time, as the file may have been edited.
pub(super) type Lookup = dyn Fn(&Choice) -> Result<Profile, String> + Send + Sync;
/// All models of the configuration that are not hidden.
pub(super) type List = dyn Fn() -> Vec<Profile> + Send + Sync;

/// Joins the main thread with those that wait.
pub(super) struct Supervisor {
    shared: Mutex<Shared>,
    changed: Condvar,
    events: Mutex<Sender<Event>>,
    program: String,
    on_demand: bool,
    lookup: Box<Lookup>,
    list: Box<List>,
}

impl Supervisor {
    /// Begins with `profile` being loaded; [`Event::Load`] is sent.
    pub(super) fn new(
        profile: Profile,
        program: String,
        on_demand: bool,
        events: Sender<Event>,
        lookup: Box<Lookup>,
        list: Box<List>,
    ) -> Arc<Self> {
        let shared = Shared {
            state: State::Starting,
            profile,
            fallback: None,
            served: None,
            context: None,
            messages: None,
            devices: Vec::new(),
            failure: None,
            links: 0,
            restarts: VecDeque::new(),
        };
        let supervisor = Self {
            shared: Mutex::new(shared),
            changed: Condvar::new(),
            events: Mutex::new(events),
            program,
            on_demand,
            lookup,
            list,
        };
        supervisor.tell(Event::Load);
        Arc::new(supervisor)
    }

    /// Changes what is known and wakes who waits.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Shared) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Looks at or changes what nobody waits for.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.lock())
    }

    /// Tells the main thread.
    pub(super) fn tell(&self, event: Event) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        // The main thread ends last.
        let _: Result<(), SendError<Event>> = events.send(event);
    }

    /// What there is to tell.
    pub(super) fn info(&self) -> Info {
        let shared = self.lock();
        Info {
            pid: std::process::id(),
            model: shared.profile.id.to_string(),
            name: shared.profile.label().to_owned(),
            source: shared.profile.model.to_string(),
            on_demand: self.on_demand,
            state: shared.state,
            context: shared.context.or(shared.profile.context),
            users: shared.links,
            failure: shared.failure.clone(),
            program: self.program.clone(),
            devices: shared.devices.clone(),
            messages: shared.messages,
        }
    }

    /// Waits until nothing is being loaded.
    pub(super) fn settled(&self) {
        let _shared = self.settle(self.lock());
    }

    /// Has another model loaded and waits for it.
    ///
    /// # Errors
    /// One line for the user of the host.
    pub(super) fn load(&self, choice: &Choice) -> Result<(), String> {
        let profile = (self.lookup)(choice)?;
        self.replace(profile).map_err(|failure| {
            let why = self.lock().failure.clone();
            why.unwrap_or_else(|| failure.to_string())
        })
    }

    fn replace(&self, profile: Profile) -> Result<(), Failure> {
        let id = profile.id.clone();
        let mut shared = self.lock();
        match shared.state {
            State::Starting => return Err(Failure::Busy),
            State::Running if shared.profile == profile => return Ok(()),
            State::Running => shared.fallback = Some(shared.profile.clone()),
            State::Idle => shared.fallback = None,
        }
        shared.profile = profile;
        self.begin(&mut shared);
        let shared = self.settle(shared);
        if shared.state == State::Running && shared.profile.id == id {
            return Ok(());
        }
        Err(Failure::Down(format!("the model {id} cannot be loaded; the host's user sees why")))
    }

    /// From here on a model is being loaded.
    fn begin(&self, shared: &mut Shared) {
        shared.state = State::Starting;
        shared.failure = None;
        self.tell(Event::Load);
        self.changed.notify_all();
    }

    fn settle<'a>(&self, shared: MutexGuard<'a, Shared>) -> MutexGuard<'a, Shared> {
        let busy = |shared: &mut Shared| shared.state == State::Starting;
        match self.changed.wait_timeout_while(shared, PATIENCE, busy) {
            Ok((shared, _)) => shared,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status_of(shared: &Shared) -> Status {
        Status {
            state: shared.state,
            model: shared.profile.id.to_string(),
            name: shared.profile.label().to_owned(),
            context: shared.context.or(shared.profile.context),
        }
    }

    /// The server to connect to; one that ended is started again.
    fn server(&self, wait: bool) -> Result<Arc<Served>, Failure> {
        let mut shared = self.lock();
        if shared.state == State::Idle && may_restart(&mut shared.restarts) {
            self.begin(&mut shared);
        }
        if wait {
            shared = self.settle(shared);
        }
        match (shared.state, &shared.served) {
            (State::Running, Some(served)) => Ok(Arc::clone(served)),
            (State::Starting, _) => Err(Failure::Loading),
            _ => {
                Err(Failure::Down("the model server does not run; the host's user sees why".into()))
            }
        }
    }
}

/// Whether a server that ended may be started again now; counts it.
fn may_restart(restarts: &mut VecDeque<Instant>) -> bool {
    let now = Instant::now();
    restarts.retain(|at| now.duration_since(*at) < RESTART_TIME);
    let may = restarts.len() < RESTARTS;
    if may {
        restarts.push_back(now);
    }
    may
}

impl Supplier for Supervisor {
    fn connect(&self, wait: bool) -> Result<OwnedFd, Failure> {
        let served = self.server(wait)?;
        // One that ended a moment ago: its end is known soon, and then it is started again.
        served.connect().map(OwnedFd::from).map_err(|_| Failure::Loading)
    }

    fn switch(&self, model: &str) -> Result<Status, Failure> {
        let unknown = || Failure::Unknown(model.chars().take(64).collect());
        let id: Id = model.parse().map_err(|_| unknown())?;
        let profile = (self.lookup)(&Choice::Id(id.to_string())).map_err(|_| unknown())?;
        self.replace(profile)?;
        Ok(self.status())
    }

    fn models(&self) -> Vec<Entry> {
        let status = self.status();
        let mut entries: Vec<Entry> = (self.list)()
            .into_iter()
            .map(|profile| Entry {
                active: profile.id.as_str() == status.model,
                id: profile.id.to_string(),
                name: profile.label().to_owned(),
                context: profile.context,
            })
            .collect();
        if !entries.iter().any(|entry| entry.active) {
            // Hidden, or given on the command line.
            entries.insert(
                0,
                Entry {
                    id: status.model,
                    name: status.name,
                    context: status.context,
                    active: true,
                },
            );
        }
        for entry in &mut entries {
            if entry.active {
                entry.context = status.context;
            }
        }
        entries
    }

    fn status(&self) -> Status {
        Self::status_of(&self.lock())
    }
}

#[cfg(test)]
#[path = "supervisor_test.rs"]
mod tests;
