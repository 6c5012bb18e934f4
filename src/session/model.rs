//! A machine's model: the bridge's process, the guest's two ports, and what agents in the guest
//! are told.
//!
//! ```text
//!  guest 127.0.0.1:8080 ─ vsock 8080 ─┐
//!  guest 127.0.0.1:8081 ─ vsock 8081 ─┴▶ qvm-vsock ▶ qvm-bridge ─ link ▶ qvm serve
//! ```

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use agent_protocol::{Bytes, Forward};
use guest_image::agents::{self, Local};

use super::{error::Error, guest::bytes};
use crate::{
    process::{self, BridgeArgs, Process},
    serve::Attached,
    spec::Spec,
    sys::channel,
};

/// The guest's port of the model, on its loopback and on vsock.
const MODEL_PORT: u16 = 8080;
/// The guest's port for switching models.
const SWITCH_PORT: u16 = 8081;
/// Where agents find the model.
pub const URL: &str = "http://127.0.0.1:8080";
/// What agents call it, whatever is loaded.
const NAME: &str = "local";

/// The vsock ports with what is behind them.
pub const PORTS: [(u32, &str); 2] = [
    (MODEL_PORT as u32, "the bridge: the language model, filtered"),
    (SWITCH_PORT as u32, "the bridge: which model is loaded, and loading another"),
];

/// TCP ports of the guest's loopback that lead there.
pub fn forwards() -> Vec<Forward> {
    [MODEL_PORT, SWITCH_PORT].map(|port| Forward { tcp_port: port, vsock_port: port.into() }).into()
}

/// What a machine with a model needs beside others.
#[derive(Debug)]
pub struct GuestModel {
    /// Variables of its commands.
    pub env: Vec<(Bytes, Bytes)>,
    /// Files of its agents.
    pub files: Vec<agent_protocol::File>,
    /// What serves it.
    pub backend: String,
    /// Context in tokens, where known.
    pub context: Option<u32>,
    /// Anthropic's wire is spoken; `None`: unknown.
    pub messages: Option<bool>,
    link: Option<OwnedFd>,
}

impl GuestModel {
    /// For a machine of `spec`, served by `attached`. `personal` is the folder of files that the
    /// user wants in every guest's home.
    ///
    /// # Errors
    /// [`Error::Personal`] when that folder cannot be used.
    pub fn new(spec: &Spec, attached: Attached, personal: &Path) -> Result<Self, Error> {
        let local = local(spec, attached.context);
        let files = agents::files(&local)
            .into_iter()
            .chain(agents::personal(personal, local.home).map_err(Error::Personal)?)
            .map(|file| agent_protocol::File {
                path: bytes(&file.path),
                contents: file.contents,
                mode: file.mode,
                owned_by_user: !spec.guest_root,
            })
            .collect();
        let pair = |(name, value): (OsString, OsString)| (bytes(&name), bytes(&value));
        Ok(Self {
            env: agents::environment(&local).into_iter().map(pair).collect(),
            files,
            backend: attached.backend,
            context: attached.context,
            messages: attached.messages,
            link: Some(attached.link),
        })
    }

    /// Starts the bridge; once. Gives its process, and the ends of its ports for the relay.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start(&mut self, log: Option<&Path>) -> Result<(Process, Vec<(u32, OwnedFd)>), Error> {
        let system = |what| move |e: io::Error| Error::System(what, e);
        let link = self
            .link
            .take()
            .ok_or_else(|| system("start the bridge twice")(io::ErrorKind::Other.into()))?;
        let log = log
            .map(|path| open_log(path).map_err(|e| Error::RequestLog(path.to_owned(), e)))
            .transpose()?;
        let (model, model_end) = channel().map_err(system("make a socket"))?;
        let (switch, switch_end) = channel().map_err(system("make a socket"))?;
        let process = process::spawn_bridge(BridgeArgs { model, switch, link, log })?;
        let ends = vec![(MODEL_PORT.into(), model_end), (SWITCH_PORT.into(), switch_end)];
        Ok((process, ends))
    }
}

/// What agents of this run are told by.
#[derive(Debug)]
pub struct Told {
    /// Names of variables, of those too that depend on the model's context.
    pub variables: Vec<OsString>,
    /// Files in the guest.
    pub files: Vec<PathBuf>,
}

/// What agents of a run with a model will be told by.
pub fn told(spec: &Spec) -> Told {
    let local = local(spec, Some(u32::MAX));
    Told {
        variables: agents::environment(&local).into_iter().map(|(name, _)| name).collect(),
        files: agents::files(&local).into_iter().map(|file| file.path).collect(),
    }
}

fn local(spec: &Spec, context: Option<u32>) -> Local<'_> {
    let workspace = spec.shares.first().map(|share| share.guest.as_path());
    let home = if spec.guest_root { Path::new("/root") } else { spec.caller.home.as_path() };
    Local {
        model: NAME,
        context,
        workspace: workspace.unwrap_or(Path::new("/")),
        home,
        url: URL,
        root: spec.guest_root || spec.caller.uid == 0,
    }
}

/// Agents' prompts are nobody else's business.
fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}
