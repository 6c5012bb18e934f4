//! `qvm serve`: the main thread and its loop.

use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixListener},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use agent_protocol::{read_frame, write_frame};
use host_bridge::link::{self, State};
use models::{Profile, Server, gpu::Grants};
use rustix::event::{PollFd, PollFlags, poll};

use super::{
    control::{self, Answer, Choice, Request},
    health::{self, Health},
    sandbox,
    supervisor::{Event, Served, Supervisor},
    weights::Weights,
};
use crate::{
    error::{self, plain},
    process::Process,
    session::{signals, spawn_thread},
    sys::same_user,
};

/// A model has this long to be loaded, unless `QVM_MODEL_TIMEOUT` says otherwise (in seconds).
const LOADING: Duration = Duration::from_secs(300);
/// How often a server that loads is asked how it is.
const PROBE: Duration = Duration::from_millis(50);
/// A client of the control socket that says nothing is let go after this.
const SILENCE: Duration = Duration::from_secs(600);
/// Clients of the control socket at the same time.
const CLIENTS: usize = 64;

/// The weights of a model, on this machine already; else why there are none.
type Found = dyn Fn(&Profile) -> Result<Weights, String>;

/// What `qvm serve` is to do.
pub struct Options {
    /// The model to begin with.
    pub profile: Profile,
    /// The program.
    pub server: Server,
    /// What of a GPU it is given; nothing for the CPU.
    pub gpu: Grants,
    /// The devices that it found usable there, in its words.
    pub devices: Vec<String>,
    /// Further arguments of the program.
    pub extra: Vec<OsString>,
    /// Ends when nobody has used it for this long; `None`: stays.
    pub idle: Option<Duration>,
    /// Prints what the server prints.
    pub verbose: bool,
    /// Started by a run: it has no terminal and says nothing once it listens.
    pub on_demand: bool,
    /// Finds a model by what somebody chose.
    pub lookup: Box<super::supervisor::Lookup>,
    /// The models to show.
    pub list: Box<super::supervisor::List>,
    /// The weights of a model, on this machine already.
    pub weights: Box<Found>,
}

/// Serves until it is told to end or nobody needs it.
///
/// # Errors
/// [`control::Error`] when another serves, or nothing can be listened on.
pub fn run(options: Options) -> Result<u8, control::Error> {
    let (listener, _name) = control::listen()?;
    let (events, inbox) = mpsc::channel();
    let told = events.clone();
    signals::watch(move |signal| {
        let _ = told.send(Event::Signal(signal));
    })?;
    if options.on_demand {
        leave_terminal()?;
    }
    Daemon::new(options, events, &listener)?.until_end(&inbox)
}

/// Whoever started this process may go away.
fn leave_terminal() -> io::Result<()> {
    // It fails for the leader of a group, which is then started by hand.
    let _ = rustix::process::setsid();
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// A server, in the hands of the main thread.
struct Running {
    number: u64,
    process: Process,
    served: Arc<Served>,
    log: super::log::Log,
    /// Goes after the process.
    _folder: Option<sandbox::Folder>,
    deadline: Instant,
}

struct Daemon {
    supervisor: Arc<Supervisor>,
    running: Option<Running>,
    number: u64,
    /// Since when nobody has used it.
    unused: Option<Instant>,
    /// Somebody has.
    used: bool,
    server: Server,
    gpu: Grants,
    extra: Vec<OsString>,
    idle: Option<Duration>,
    verbose: bool,
    on_demand: bool,
    /// A model was loaded once.
    proven: bool,
    /// Why the model of `qvm serve MODEL` cannot be loaded.
    hopeless: Option<String>,
    weights: Box<Found>,
}

impl Daemon {
    fn new(options: Options, events: Sender<Event>, listener: &UnixListener) -> io::Result<Self> {
        let program = options.server.program.display().to_string();
        let Options { profile, lookup, list, .. } = options;
        let supervisor = Supervisor::new(profile, program, options.on_demand, events, lookup, list);
        supervisor.update(|shared| shared.devices = options.devices);
        accept(listener.try_clone()?, Arc::clone(&supervisor))?;
        Ok(Self {
            supervisor,
            running: None,
            number: 0,
            unused: Some(Instant::now()),
            used: false,
            server: options.server,
            gpu: options.gpu,
            extra: options.extra,
            idle: options.idle,
            verbose: options.verbose,
            on_demand: options.on_demand,
            proven: false,
            hopeless: None,
            weights: options.weights,
        })
    }

    fn until_end(&mut self, inbox: &Receiver<Event>) -> Result<u8, control::Error> {
        loop {
            match inbox.recv_timeout(self.wait()) {
                Ok(Event::Load) => self.load(),
                Ok(Event::Ended(number)) => self.ended(number),
                Ok(Event::Users) => self.count_users(),
                Ok(Event::Signal(signal)) if signals::asks_to_end(signal) => return Ok(0),
                Ok(Event::Signal(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Stop(_told)) => {
                    // They are told when the sender is dropped: after the server.
                    self.running = None;
                    return Ok(0);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            self.look_at_server();
            if let Some(why) = self.hopeless.take() {
                return Err(control::Error::Refused(why));
            }
            if self.left() == Some(Duration::ZERO) {
                return Ok(0);
            }
        }
    }

    /// Until something may be due.
    fn wait(&self) -> Duration {
        let starting = self.running.is_some()
            && self.supervisor.peek(|shared| shared.state == State::Starting);
        let left = self.left().unwrap_or(Duration::MAX);
        if starting { PROBE } else { left.clamp(Duration::from_millis(10), Duration::from_secs(1)) }
    }

    /// Time until nobody needs it any more; `None`: that does not come by itself.
    fn left(&self) -> Option<Duration> {
        let idle = self.idle?;
        let failed = self.supervisor.peek(|shared| shared.state == State::Idle);
        // Whoever it was started for comes soon, and has seen by then why it failed.
        let patience = match (failed, self.used) {
            (true, _) => ARRIVAL,
            (false, true) => idle,
            (false, false) => idle.max(ARRIVAL),
        };
        Some(patience.saturating_sub(self.unused?.elapsed()))
    }

    fn count_users(&mut self) {
        if self.supervisor.peek(|shared| shared.links) > 0 {
            (self.unused, self.used) = (None, true);
        } else {
            self.unused.get_or_insert_with(Instant::now);
        }
    }

    /// Ends the server there is and starts the one that is wanted.
    fn load(&mut self) {
        self.running = None;
        let profile = self.supervisor.peek(|shared| {
            shared.served = None;
            shared.context = None;
            shared.profile.clone()
        });
        self.number += 1;
        match self.start(&profile) {
            Ok(running) => self.running = Some(running),
            Err(why) => self.failed(&why),
        }
    }

    fn start(&self, profile: &Profile) -> Result<Running, String> {
        let weights = (self.weights)(profile)?;
        let started =
            sandbox::start(&self.server, profile, &weights, &self.gpu, &self.extra, self.verbose)
                .map_err(|error| error::line(&error))?;
        if !self.on_demand {
            let banner =
                models::banner(&self.server, profile, "a Unix socket in its sandbox", &self.extra);
            eprint!("{banner}");
        }
        let number = self.number;
        let pidfd = started.process.as_fd().try_clone_to_owned().map_err(|e| e.to_string())?;
        let supervisor = Arc::clone(&self.supervisor);
        spawn_thread("server", move || {
            let mut polled = [PollFd::new(&pidfd, PollFlags::IN)];
            while matches!(poll(&mut polled, None), Err(rustix::io::Errno::INTR)) {}
            supervisor.tell(Event::Ended(number));
        })
        .map_err(|error| error.to_string())?;
        Ok(Running {
            number,
            process: started.process,
            served: Arc::new(started.served),
            log: started.log,
            _folder: started.folder,
            deadline: Instant::now() + loading(),
        })
    }

    /// While it loads: whether it serves by now.
    fn look_at_server(&mut self) {
        let starting = self.supervisor.peek(|shared| shared.state == State::Starting);
        let Some(running) = self.running.as_mut().filter(|_| starting) else { return };
        let why = match running.served.ask("/health", None).map(|reply| health::health(&reply)) {
            Ok(Health::Well) => return self.serves(),
            Ok(Health::Ill(status)) => format!("the server says {status} to /health"),
            // It does not listen yet, or has just ended, which is told by itself.
            Ok(Health::Loading) | Err(_) if Instant::now() < running.deadline => return,
            Ok(Health::Loading) | Err(_) => format!(
                "the model was not loaded within {} seconds{}",
                loading().as_secs(),
                said(&running.log)
            ),
        };
        self.failed(&why);
    }

    fn serves(&mut self) {
        let Some(running) = &self.running else { return };
        self.proven = true;
        let served = Arc::clone(&running.served);
        let props = served.ask("/props", None).ok().and_then(|reply| reply.json());
        let probe = served.ask("/v1/messages/count_tokens", Some(&health::messages_probe()));
        let messages = probe.ok().map(|reply| reply.status == 200);
        let name = self.supervisor.update(|shared| {
            shared.state = State::Running;
            shared.context = props.as_ref().and_then(health::context);
            shared.messages = messages;
            shared.served = Some(served);
            shared.fallback = None;
            shared.profile.label().to_owned()
        });
        if !self.on_demand {
            eprintln!("qvm: {name} is loaded; machines of this user can use it now");
        }
    }

    fn ended(&mut self, number: u64) {
        let Some(running) = self.running.as_mut().filter(|running| running.number == number) else {
            return;
        };
        // What it said last may still be on its way.
        std::thread::sleep(Duration::from_millis(50));
        let status = running.process.wait_for(Duration::from_secs(1));
        let words = running.process.last_words();
        let said = said(&running.log);
        let why = match (said.is_empty(), words, status) {
            (false, _, _) => format!("the model server ended{said}"),
            (true, Some(words), _) => format!("the model server: {words}"),
            (true, None, Some(status)) => format!("the model server {status}"),
            (true, None, None) => "the model server ended".to_owned(),
        };
        self.failed(&why);
    }

    /// No server, or the one before.
    fn failed(&mut self, why: &str) {
        self.running = None;
        let why = plain(why);
        let failure = self.supervisor.peek(|shared| format!("{}: {why}", shared.profile.id));
        if !self.on_demand && !self.proven {
            self.hopeless = Some(failure.clone());
        } else if !self.on_demand {
            eprintln!("qvm: {failure}");
        }
        let again = self.supervisor.update(|shared| {
            shared.served = None;
            shared.failure = Some(failure);
            match shared.fallback.take() {
                Some(profile) => {
                    shared.profile = profile;
                    shared.state = State::Starting;
                    true
                }
                None => {
                    shared.state = State::Idle;
                    false
                }
            }
        });
        if again {
            self.supervisor.tell(Event::Load);
        }
    }
}

/// Somebody who started a server needs this long to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

fn loading() -> Duration {
    let given = std::env::var("QVM_MODEL_TIMEOUT").ok().and_then(|s| s.parse().ok());
    given.map_or(LOADING, Duration::from_secs)
}

fn said(log: &super::log::Log) -> String {
    log.telling().map(|line| format!(": {line}")).unwrap_or_default()
}

/// Answers at the control socket, a thread a client.
fn accept(listener: UnixListener, supervisor: Arc<Supervisor>) -> io::Result<()> {
    spawn_thread("control", move || {
        let clients = Arc::new(());
        for client in listener.incoming().flatten() {
            let ours = same_user(&client).unwrap_or(false);
            if !ours || Arc::strong_count(&clients) > CLIENTS {
                continue;
            }
            let (supervisor, counted) = (Arc::clone(&supervisor), Arc::clone(&clients));
            let _ = spawn_thread("client", move || {
                let _ = client.set_read_timeout(Some(SILENCE));
                let _ = serve(&client, &supervisor);
                drop(counted);
            });
        }
    })?;
    Ok(())
}

/// Answers one client until it goes.
fn serve(
    client: &std::os::unix::net::UnixStream,
    supervisor: &Arc<Supervisor>,
) -> Result<(), control::Error> {
    loop {
        let answer = match read_frame(client)? {
            Request::Info => Ok(()),
            Request::Ready => {
                supervisor.settled();
                Ok(())
            }
            Request::Switch(choice) => supervisor.load(&choice),
            Request::Link => {
                let link = open_link(supervisor)?;
                write_frame(client, &Answer::Info(Box::new(supervisor.info())))?;
                control::hand_over(client, &link)?;
                continue;
            }
            Request::Stop => {
                write_frame(client, &Answer::Info(Box::new(supervisor.info())))?;
                let (told, end) = mpsc::channel::<()>();
                supervisor.tell(Event::Stop(told));
                let _ = end.recv();
                return Ok(());
            }
        };
        let answer = match answer {
            Ok(()) => Answer::Info(Box::new(supervisor.info())),
            Err(why) => Answer::Refused(why),
        };
        write_frame(client, &answer)?;
    }
}

/// A link, counted as a user until it is closed.
fn open_link(supervisor: &Arc<Supervisor>) -> io::Result<std::os::fd::OwnedFd> {
    let (ours, theirs) = host_bridge::pair()?;
    supervisor.update(|shared| shared.links += 1);
    supervisor.tell(Event::Users);
    let supplier = Arc::clone(supervisor);
    let served = spawn_thread("link", move || {
        let _ = link::serve(ours, supplier.clone());
        supplier.update(|shared| shared.links -= 1);
        supplier.tell(Event::Users);
    });
    if let Err(error) = served {
        supervisor.update(|shared| shared.links -= 1);
        return Err(error);
    }
    Ok(theirs)
}

/// What a choice means: a model of the file, or weights nobody configured.
///
/// # Errors
/// One line.
pub fn choose(models: &models::Models, choice: &Choice) -> Result<Profile, String> {
    match choice {
        Choice::Id(id) => models.get(id).cloned().ok_or_else(|| {
            let known: Vec<_> = models.profiles.iter().map(|profile| profile.id.as_str()).collect();
            match known.is_empty() {
                true => format!("there is no model {id}: none is configured, see `qvm models add`"),
                false => format!("there is no model {id}; there are {}", known.join(", ")),
            }
        }),
        Choice::Source(text) => {
            let source: models::Source = text.parse().map_err(|e| error::line(&e))?;
            Ok(Profile::new(source.id(), source))
        }
    }
}
