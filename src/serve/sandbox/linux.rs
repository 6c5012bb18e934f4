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
};

use confine::{Entry, What};
use models::{Inside, Layout, Profile, Server, gpu::Grants};
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::{Error, Started, Weights, finish, plumbing};
use crate::process::{self, MODEL_SOCKET, ModelArgs};

/// Nothing goes with a server here: its folders are in memory.
pub type Folder = std::convert::Infallible;

/// Memory for temporary files, in bytes: compiled GPU kernels need the most.
const TEMPORARY: u64 = 1 << 30;
/// Memory for the socket's folder, in bytes.
const SOCKET_ROOM: u64 = 1 << 20;
/// Where the vision projector is, inside.
const PROJECTOR: &str = "/model/projector/mmproj.gguf";

/// See [`super::start`].
pub(super) fn start(
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

/// Starts a server without weights and with one argument.
pub(super) fn bare(server: &Server, gpu: &Grants, argument: &str) -> Result<Started, Error> {
    let root = surroundings(server, gpu)?;
    launch(server, root, vec![argument.into()], !gpu.is_empty(), false)
}

fn launch(
    server: &Server,
    root: Vec<Entry>,
    arguments: Vec<OsString>,
    gpu: bool,
    verbose: bool,
) -> Result<Started, Error> {
    let plumbing = plumbing(verbose)?;
    let program = match &server.layout {
        Layout::Rooted { .. } => PathBuf::from(Layout::ROOTED),
        Layout::Installed { .. } => server.program.clone(),
    };
    let name = program.file_name().unwrap_or_default().to_owned();
    let process = process::spawn_model(ModelArgs {
        root,
        argv: [name].into_iter().chain(arguments).collect(),
        env: environment(server),
        program,
        output: plumbing.output,
        gpu,
        channel: plumbing.theirs,
    })?;
    finish(process, plumbing.channel, plumbing.log)
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
