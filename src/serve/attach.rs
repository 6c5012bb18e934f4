//! What a run does to get a model: use the server there is, or start one.

use std::{
    io::{self, Read},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use host_bridge::link::{self, State};

use super::{
    control::{self, Connection, Info, Request},
    upstream::{Foreign, Upstream},
};
use crate::{
    error::plain,
    session::spawn_thread,
    spec::{LocalModel, Model},
    sys::own_program,
};

/// A server that was started listens after this, or not at all.
const LISTENS: Duration = Duration::from_secs(20);
/// After this long somebody wants to know what takes so long.
const QUIET: Duration = Duration::from_secs(2);

/// Why a run gets no model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server that runs, or should.
    #[error(transparent)]
    Control(#[from] control::Error),
    /// Another model is being used.
    #[error(
        "the model server is serving {loaded} to {others} other machine{}; `qvm models switch {wanted}` changes it for all",
        if *.others == 1 { "" } else { "s" }
    )]
    InUse {
        /// What it serves.
        loaded: String,
        /// What is wanted.
        wanted: String,
        /// To how many.
        others: usize,
    },
    /// The model was not loaded.
    #[error("no model: {0}")]
    NotLoaded(String),
    /// The server was not started.
    #[error("the model server did not start: {0}")]
    NotStarted(String),
    /// Nobody answers there.
    #[error("the model server at {0} cannot be reached; is it running?")]
    Upstream(Upstream, #[source] io::Error),
    /// The system refused something.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
}

/// A model that serves.
#[derive(Debug)]
pub struct Attached {
    /// To be given to the bridge. The model stays as long as it is open.
    pub link: OwnedFd,
    /// Context in tokens, where known.
    pub context: Option<u32>,
    /// What serves it, in a few words.
    pub backend: String,
    /// Anthropic's wire is spoken; `None`: unknown.
    pub messages: Option<bool>,
}

/// Gets the model of a run.
///
/// # Errors
/// [`Error`].
pub fn attach(model: &Model, quiet: bool) -> Result<Attached, Error> {
    match model {
        Model::Local(local) => {
            let (connection, fresh) = open_or_start(local)?;
            // Whatever kept a fresh server from loading it, keeps it from doing so again.
            attached(&connection, (!fresh).then_some(local), quiet)
        }
        Model::Running => attached(&Connection::open()?, None, quiet),
        Model::Upstream(upstream) => attach_foreign(upstream),
    }
}

fn attach_foreign(upstream: &Upstream) -> Result<Attached, Error> {
    let foreign = Foreign::look(upstream.clone())
        .map_err(|error| Error::Upstream(upstream.clone(), error))?;
    let (ours, link) =
        host_bridge::pair().map_err(|error| Error::System("make a socket", error))?;
    let (context, messages) = (foreign.context(), Some(foreign.messages));
    spawn_thread("link", move || drop(link::serve(ours, Arc::new(foreign))))
        .map_err(|error| Error::System("start a thread", error))?;
    Ok(Attached { link, context, backend: format!("{upstream} (upstream)"), messages })
}

/// Uses the server at the other end; has it load the model that is wanted, if one is.
fn attached(
    connection: &Connection,
    wanted: Option<&LocalModel>,
    quiet: bool,
) -> Result<Attached, Error> {
    // From here on the server is in use and stays.
    let (mut info, link) = connection.link()?;
    info = ready(connection, info, quiet)?;
    if let Some(local) = wanted {
        let others = info.users.saturating_sub(1);
        if info.state != State::Running || others == 0 {
            // Nothing happens if just this is loaded, by a profile that has not changed. One that
            // failed before is tried anew: whatever was in its way may be gone.
            info = connection.ask(&Request::Switch(local.choice.clone())).map_err(|e| match e {
                control::Error::Refused(why) => Error::NotLoaded(why),
                other => other.into(),
            })?;
        } else if info.model != local.id || info.source != local.source {
            let wanted = local.id.clone();
            return Err(Error::InUse { loaded: info.model, wanted, others });
        }
    }
    if info.state != State::Running {
        return Err(Error::NotLoaded(info.failure.unwrap_or_else(|| "nothing is loaded".into())));
    }
    let place = if info.devices.is_empty() { "CPU" } else { "GPU" };
    let backend = format!("{}, local llama-server ({place})", plain(&info.name));
    Ok(Attached { link, context: info.context, backend, messages: info.messages })
}

/// Waits until nothing is being loaded, and says so if that takes its time.
fn ready(connection: &Connection, mut info: Info, quiet: bool) -> Result<Info, Error> {
    let begun = Instant::now();
    let mut said = quiet;
    while info.state == State::Starting {
        if !said && begun.elapsed() >= QUIET {
            eprintln!("qvm: loading {}…", plain(&info.name));
            said = true;
        }
        if said {
            return Ok(connection.ask(&Request::Ready)?);
        }
        sleep(Duration::from_millis(20));
        info = connection.ask(&Request::Info)?;
    }
    Ok(info)
}

/// The server there is, or a new one; tells whether this is one.
fn open_or_start(local: &LocalModel) -> Result<(Connection, bool), Error> {
    match Connection::open() {
        Err(control::Error::None) => {}
        other => return Ok((other?, false)),
    }
    let program = own_program().map_err(|error| Error::System("find this program", error))?;
    let mut server = Command::new(program)
        .args(&local.serve)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Error::System("start the model server", error))?;
    let deadline = Instant::now() + LISTENS;
    while Instant::now() < deadline {
        match Connection::open() {
            Err(control::Error::None) => {}
            other => return Ok((other?, true)),
        }
        if matches!(server.try_wait(), Ok(Some(_))) {
            // Another run may have been quicker, and this one's server given way to that.
            let other = Connection::open();
            return other
                .map(|other| (other, false))
                .map_err(|_| Error::NotStarted(last_line(&mut server)));
        }
        sleep(Duration::from_millis(5));
    }
    let _ = server.kill();
    let _ = server.wait();
    Err(Error::NotStarted(format!("it did not listen within {} seconds", LISTENS.as_secs())))
}

/// What a server that gave up said last.
fn last_line(server: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = server.stderr.take() {
        let _ = stderr.take(64 << 10).read_to_string(&mut text);
    }
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    plain(line.strip_prefix("qvm: ").unwrap_or(line))
}
