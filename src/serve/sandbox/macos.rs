//! What a model server may do on a Mac: what its profile of Seatbelt allows
//! ([`confine::seatbelt::Server`]). It works in a folder of its own, which holds its socket and is
//! removed after it; of one whose `qvm serve` was killed the folder stays until the next machine or
//! server.

use std::{
    ffi::OsString,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
};

use confine::seatbelt::{self, Metal, PROGRAM};
use models::{Inside, Layout, Profile, Server, gpu::Grants};

use super::{Error, Started, Weights, finish, plumbing};
use crate::{
    process::{self, ModelArgs},
    sys,
};

/// Removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let mut number = [0; 4];
        sys::random(&mut number)?;
        let name = format!("{}{:08x}", sys::sockets::MODEL, u32::from_ne_bytes(number));
        let path = sys::names::folder()?.join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// See [`super::start`].
pub(super) fn start(
    server: &Server,
    profile: &Profile,
    weights: &Weights,
    gpu: &Grants,
    extra: &[OsString],
    verbose: bool,
) -> Result<Started, Error> {
    let folder = folder()?;
    let socket = folder.0.join(sys::sockets::SERVER);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    // The server finds further parts by the name of the first, beside it.
    let first = weights.parts.first().map(|part| text(&part.path)).unwrap_or_default();
    let projector = weights.mmproj.as_deref().map(text);
    let inside = Inside { model: &first, mmproj: projector.as_deref(), socket: &text(&socket) };
    let arguments = models::arguments(server, profile, &inside, extra)?;
    let parts = weights.parts.iter().map(|part| part.path.clone());
    let files = parts.chain(weights.mmproj.clone()).collect();
    launch(server, files, folder, arguments, gpu, verbose)
}

/// Starts a server without weights and with one argument.
pub(super) fn bare(server: &Server, gpu: &Grants, argument: &str) -> Result<Started, Error> {
    launch(server, Vec::new(), folder()?, vec![argument.into()], gpu, false)
}

fn folder() -> Result<Folder, Error> {
    Folder::new().map_err(|e| Error::System("make a folder for the model server", e))
}

fn launch(
    server: &Server,
    weights: Vec<PathBuf>,
    folder: Folder,
    arguments: Vec<OsString>,
    gpu: &Grants,
    verbose: bool,
) -> Result<Started, Error> {
    let plumbing = plumbing(verbose)?;
    let libraries = match &server.layout {
        Layout::Rooted { root } => vec![root.clone()],
        Layout::Installed { libraries, .. } => libraries.clone(),
    };
    let real = |path: PathBuf| path.canonicalize().map_err(|e| Error::Open(path, e));
    let seatbelt = seatbelt::Server {
        program: server.program.clone(),
        libraries: libraries.into_iter().map(real).collect::<Result<_, _>>()?,
        weights: weights.into_iter().map(real).collect::<Result<_, _>>()?,
        socket: folder.0.join(sys::sockets::SERVER),
        metal: gpu.metal.then(metal).transpose()?,
        folder: folder.0.clone(),
    };
    let mut argv = seatbelt.arguments()?;
    argv.push(server.program.clone().into_os_string());
    argv.extend(arguments);
    let process = process::spawn_model(ModelArgs {
        program: PROGRAM.into(),
        argv,
        env: environment(&folder.0),
        socket: seatbelt.socket,
        folder: folder.0.clone(),
        output: plumbing.output,
        channel: plumbing.theirs,
    })?;
    let started = finish(process, plumbing.channel, plumbing.log)?;
    Ok(Started { folder: Some(folder), ..started })
}

/// The user's own folders that Metal writes to.
fn metal() -> Result<Metal, Error> {
    let ask = |name: &str| {
        let output = Command::new("/usr/bin/getconf").arg(name).env_clear().output();
        let output = output.map_err(|e| Error::System("run getconf", e))?;
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        path.canonicalize().map_err(|e| Error::Open(path, e))
    };
    Ok(Metal { temporary: ask("DARWIN_USER_TEMP_DIR")?, cache: ask("DARWIN_USER_CACHE_DIR")? })
}

/// Nothing of ours is passed on.
fn environment(folder: &Path) -> Vec<(OsString, OsString)> {
    let own = |name: &str| (name.into(), folder.as_os_str().to_owned());
    let mut env: Vec<(OsString, OsString)> = ["HOME", "TMPDIR", "LLAMA_CACHE"].map(own).into();
    env.push(("LANG".into(), "C.UTF-8".into()));
    env
}
