//! What a model server sees: its own program and libraries, its weights, memory to write in, and
//! a GPU's devices if it uses one. Nothing else of the host is in its root.
//!
//! | path inside | what |
//! |---|---|
//! | `/usr`, `/lib`, … | the program, its loader and libraries, read-only |
//! | `/model/` | the parts of the weights and the projector, read-only |
//! | `/tmp`, `/run/model` | memory; the socket lies in the latter |
//! | `/proc` | its own processes, of which there is one |
//! | `/dev/null`, `zero`, `urandom` | as everywhere |
//! | `/sys/devices/system/{cpu,node}` | how many processors there are, read-only |
//! | `/dev/nvidia*`, `/dev/kfd`, … | with a GPU only |

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use confine::{Entry, What};
use models::{Inside, Layout, Profile, Server, gpu::Grants};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
    pipe::{PipeFlags, pipe_with},
};

use super::{log::Log, supervisor::Served, weights::Weights};
use crate::process::{self, MODEL_SOCKET, ModelArgs, Process};

/// Memory for temporary files, in bytes: compiled GPU kernels need the most.
const TEMPORARY: u64 = 1 << 30;
/// Memory for the socket's folder, in bytes.
const SOCKET_ROOM: u64 = 1 << 20;
/// A process confines itself within milliseconds, on a loaded machine within seconds.
const CONFINED: Duration = Duration::from_secs(60);
/// Where the vision projector is, inside.
const PROJECTOR: &str = "/model/projector/mmproj.gguf";
/// The devices of a GPU are looked for no longer than this.
const LISTED: Duration = Duration::from_secs(60);
/// What a server said that is gone is read at once, on a loaded machine within seconds.
const READ: Duration = Duration::from_secs(10);

/// Why no server was started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the server needs cannot be opened.
    #[error("cannot open {}", .0.display())]
    Open(PathBuf, #[source] std::io::Error),
    /// An argument is not for a server of ours.
    #[error(transparent)]
    Flag(#[from] models::FlagError),
    /// The sandbox, or the program in it.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The system refused something.
    #[error("cannot {0}")]
    System(&'static str, #[source] std::io::Error),
    /// The sandbox could be made; the program does not run in it.
    #[error("{} tells no version{}", program.display(), said.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// What it said that may tell why.
        said: Option<String>,
    },
}

/// A server that was started.
pub struct Started {
    /// Its launcher.
    pub process: Process,
    /// The way to it.
    pub served: Served,
    /// What it prints.
    pub log: Log,
}

/// Starts `server` on `weights`.
///
/// # Errors
/// [`Error`]: no part of the sandbox may be missing.
pub fn start(
    server: &Server,
    profile: &Profile,
    weights: &Weights,
    gpu: &Grants,
    extra: &[OsString],
    verbose: bool,
) -> Result<Started, Error> {
    let mut root = surroundings(server, gpu)?;
    let alone = weights.parts.len() == 1;
    let name = |part: &models::Part| match alone {
        true => "/model/model.gguf".to_owned(),
        false => format!("/model/{}", part.name),
    };
    for part in &weights.parts {
        let at = name(part).into();
        root.push(Entry { at, what: What::Read(open(&part.path)?) });
    }
    if let Some(projector) = &weights.mmproj {
        root.push(Entry { at: PROJECTOR.into(), what: What::Read(open(projector)?) });
    }
    // The server finds further parts by the name of the first.
    let model = weights.parts.first().map(name);
    let inside = Inside {
        model: &model.unwrap_or_default(),
        mmproj: weights.mmproj.as_ref().map(|_| PROJECTOR),
        socket: MODEL_SOCKET,
    };
    let arguments = models::arguments(server, profile, &inside, extra)?;
    launch(server, root, arguments, !gpu.is_empty(), verbose)
}

/// Which devices of a GPU the server can use, given `gpu`: it is started in its sandbox and asked to
/// list them, for which it starts the driver. Its lines; none if it finds nothing usable.
///
/// # Errors
/// [`Error`].
pub fn usable(server: &Server, gpu: &Grants) -> Result<Vec<String>, Error> {
    let said = said(server, gpu, "--list-devices")?;
    Ok(said.lines().into_iter().filter_map(|line| device(&line)).collect())
}

/// The version of a server in its own words. It is asked in its sandbox, without a GPU, so that
/// the answer also tells that the sandbox can be made here.
///
/// # Errors
/// [`Error`]; [`Error::NoVersion`] when it is not the sandbox that is in the way.
pub fn version(server: &Server) -> Result<String, Error> {
    let said = said(server, &Grants::default(), "--version")?;
    said.lines()
        .iter()
        .find_map(|line| told(line))
        .ok_or_else(|| Error::NoVersion { program: server.program.clone(), said: said.telling() })
}

/// `version: 9637 (2f89acc)` of llama-server, `llamafile v0.10.0`.
fn told(line: &str) -> Option<String> {
    let version = line.strip_prefix("version: ");
    version.or_else(|| line.starts_with("llamafile v").then_some(line)).map(str::to_owned)
}

/// What a server says that is started with one argument and ends by itself.
fn said(server: &Server, gpu: &Grants, argument: &str) -> Result<Log, Error> {
    let root = surroundings(server, gpu)?;
    let mut started = launch(server, root, vec![argument.into()], !gpu.is_empty(), false)?;
    started.process.wait_for(LISTED);
    drop(started.process);
    started.log.wait_for_end(READ);
    Ok(started.log)
}

/// A line of the list of devices: `  CUDA0: NVIDIA H200 (143771 MiB, 143219 MiB free)`.
fn device(line: &str) -> Option<String> {
    let line = line.trim();
    let (name, rest) = line.split_once(": ")?;
    let is_name = name.ends_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    (is_name && rest.contains("MiB")).then(|| line.to_owned())
}

fn launch(
    server: &Server,
    root: Vec<Entry>,
    arguments: Vec<OsString>,
    gpu: bool,
    verbose: bool,
) -> Result<Started, Error> {
    let system = |what| move |errno: rustix::io::Errno| Error::System(what, errno.into());
    let (channel, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(system("make a socket"))?;
    let (reader, output) = pipe_with(PipeFlags::CLOEXEC).map_err(system("make a pipe"))?;
    let log = Log::default();
    log.follow(reader, verbose).map_err(|e| Error::System("start a thread", e))?;
    let program = match &server.layout {
        Layout::Rooted { .. } => PathBuf::from(Layout::ROOTED),
        Layout::Installed { .. } => server.program.clone(),
    };
    let name = program.file_name().unwrap_or_default().to_owned();
    let mut process = process::spawn_model(ModelArgs {
        root,
        argv: [name].into_iter().chain(arguments).collect(),
        env: environment(server),
        program,
        output,
        gpu,
        channel: theirs,
    })?;
    process.ready(CONFINED)?;
    let served = Served::new(channel).map_err(|e| Error::System("set up a socket", e))?;
    Ok(Started { process, served, log })
}

/// Nothing of ours is passed on.
fn environment(server: &Server) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = [
        ("HOME", "/tmp"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
        ("CUDA_CACHE_PATH", "/tmp/cuda"),
        ("LLAMA_CACHE", "/tmp/llama"),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
    .collect();
    if let Layout::Installed { libraries, .. } = &server.layout {
        // What is beside the program, where the loader would not look by itself.
        let own: Vec<_> = libraries.iter().filter(|dir| !dir.starts_with("/usr")).collect();
        if let Ok(path) = std::env::join_paths(own) {
            env.push(("LD_LIBRARY_PATH".into(), path));
        }
    }
    env
}

/// All but the weights.
fn surroundings(server: &Server, gpu: &Grants) -> Result<Vec<Entry>, Error> {
    let mut root = Vec::new();
    match &server.layout {
        Layout::Rooted { root: own } => rooted(&mut root, own, &server.program)?,
        Layout::Installed { libraries, loader, files } => {
            for folder in libraries {
                root.push(same_place(folder, What::Libraries)?);
            }
            for file in files {
                root.push(same_place(file, What::Read)?);
            }
            for program in [Some(&server.program), loader.as_ref()].into_iter().flatten() {
                root.push(same_place(program, What::Execute)?);
            }
        }
    }
    for device in ["/dev/null", "/dev/zero", "/dev/urandom"] {
        root.push(same_place(Path::new(device), What::Device)?);
    }
    for folder in ["/sys/devices/system/cpu", "/sys/devices/system/node"].map(Path::new) {
        if folder.is_dir() {
            root.push(same_place(folder, What::Read)?);
        }
    }
    for device in &gpu.devices {
        root.push(same_place(device, What::Device)?);
    }
    // /proc is the sandbox's own, with what drivers say in it.
    let reads = gpu.reads.iter().filter(|path| !path.starts_with("/proc"));
    let new = |path: &&PathBuf| path.exists() && !root_has(&root, path);
    let more: Vec<_> = reads.filter(new).cloned().collect();
    for path in more {
        root.push(same_place(&path, What::Read)?);
    }
    let new = |path: &&PathBuf| path.exists() && !root_has(&root, path);
    let more: Vec<_> = gpu.libraries.iter().filter(new).cloned().collect();
    for path in more {
        root.push(same_place(&path, What::Libraries)?);
    }
    root.push(Entry { at: "/proc".into(), what: What::Processes { names: !gpu.is_empty() } });
    root.push(Entry { at: "/tmp".into(), what: What::Scratch { bytes: TEMPORARY } });
    root.push(Entry { at: "/run/model".into(), what: What::Scratch { bytes: SOCKET_ROOM } });
    Ok(root)
}

/// Whether a path is there already, by itself or as part of a folder.
fn root_has(root: &[Entry], path: &Path) -> bool {
    root.iter().any(|entry| path.starts_with(&entry.at))
}

/// A program with a root of its own, as unpacked packages have it.
fn rooted(root: &mut Vec<Entry>, own: &Path, program: &Path) -> Result<(), Error> {
    root.push(Entry { at: "/usr".into(), what: What::Libraries(open(&own.join("usr"))?) });
    for (link, target) in [("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        if own.join(target).is_dir() {
            root.push(Entry { at: Path::new("/").join(link), what: What::Link(target.into()) });
        }
    }
    root.push(Entry { at: Layout::ROOTED.into(), what: What::Execute(open(program)?) });
    let loader = models::loader(program);
    if let Some(loader) = loader.as_deref().and_then(|path| path.strip_prefix("/").ok()) {
        // `/lib64/ld-linux-x86-64.so.2` by the links above.
        let real = own.join("usr").join(loader);
        let real = real.canonicalize().map_err(|e| Error::Open(real, e))?;
        let at = real
            .strip_prefix(own)
            .map_or_else(|_| real.clone(), |inner| Path::new("/").join(inner));
        root.push(Entry { at, what: What::Execute(open(&real)?) });
    }
    Ok(())
}

fn same_place(path: &Path, what: impl Fn(OwnedFd) -> What) -> Result<Entry, Error> {
    Ok(Entry { at: path.to_owned(), what: what(open(path)?) })
}

fn open(path: &Path) -> Result<OwnedFd, Error> {
    openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| Error::Open(path.to_owned(), errno.into()))
}

#[cfg(test)]
#[path = "sandbox_test.rs"]
mod tests;
