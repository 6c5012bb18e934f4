//! QEMU as a CPU engine, under our confinement before it is executed and its own after.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{OwnedFd, RawFd},
        unix::{
            ffi::{OsStrExt, OsStringExt},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::Command,
};

use confine::{Profile, Role, Root};
use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};

/// Always passed on top: QEMU's own system call filter.
pub const SANDBOX: [&str; 2] =
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"];

/// What a dynamically linked program needs to start, and the devices that any may have.
const NEEDED: [&str; 10] = [
    "/bin",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/nix/store",
    "/dev/null",
    "/dev/urandom",
];

/// QEMU and what it is to do.
#[derive(Debug)]
pub struct QemuArgs {
    /// `qemu-system-ARCH` by its real path.
    pub program: PathBuf,
    /// Its arguments, without [`SANDBOX`]. Files and sockets are named as descriptors, by the
    /// numbers they have here, or as `/proc/self/fd/N` where it takes only paths (and then opens
    /// for reading): other paths mean nothing inside. Started by root, QEMU runs as
    /// `nobody`, so a file that it opens by such a path must be readable for all.
    pub argv: Vec<OsString>,
    /// Those descriptors. QEMU has nothing else, and nobody at its standard input and output.
    pub fds: Vec<OwnedFd>,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct QemuJob {
    program: Vec<u8>,
    argv: Vec<Vec<u8>>,
    fds: Vec<Passed>,
}

/// Starts QEMU. What it writes to its standard error is to be had from
/// [`Process::last_words`].
///
/// # Errors
/// [`Error::Start`]. What happens up to the execution is told by [`Process::ready`].
pub fn spawn_qemu(args: QemuArgs) -> Result<Process, Error> {
    let sandbox = SANDBOX.iter().map(OsString::from);
    spawn_program(args.program, sandbox.chain(args.argv), args.fds)
}

/// Starts a program in the place of QEMU.
pub(super) fn spawn_program(
    program: PathBuf,
    argv: impl Iterator<Item = OsString>,
    fds: Vec<OwnedFd>,
) -> Result<Process, Error> {
    let mut launch = Launch::new(Role::Qemu);
    let job = QemuJob {
        program: program.into_os_string().into_vec(),
        argv: argv.map(OsString::into_vec).collect(),
        fds: fds.into_iter().map(|fd| launch.pass(fd)).collect(),
    };
    launch.start(Job::Qemu(job))
}

/// How it is confined.
pub(super) fn profile(program: &Path, fds: &[RawFd]) -> Profile {
    let mut profile = Profile::new(Role::Qemu);
    profile.root = Root::Program { paths: paths(program), reopened: fds.to_vec() };
    profile.keep.extend(fds);
    profile
}

/// The paths that QEMU sees: what programs need, and where it is installed itself.
pub(super) fn paths(program: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = NEEDED.iter().map(PathBuf::from).collect();
    // /opt/qemu/bin/qemu-system-x86_64 has its firmware below /opt/qemu.
    let home = program.parent().and_then(Path::parent);
    if let Some(home) = home.filter(|home| home.parent().is_some()) {
        if !paths.iter().any(|path| home.starts_with(path)) {
            paths.push(home.to_owned());
        }
    }
    paths
}

/// The process, until it becomes QEMU.
pub(super) fn run(job: QemuJob, start: child::Start) -> Result<(), child::Error> {
    let program = PathBuf::from(OsString::from_vec(job.program));
    let numbers: Vec<_> = job.fds.iter().map(Passed::number).collect();
    let profile = profile(&program, &numbers);
    let denied = start.denied;
    let confined = confine::enter(start.bind(profile))?;
    let fds = job.fds.into_iter().map(Passed::take).collect::<io::Result<Vec<_>>>()?;
    for fd in &fds {
        fcntl_setfd(fd, FdFlags::empty()).map_err(io::Error::from)?;
    }
    words::say_ready(&confined.report);
    confine::seal(Role::Qemu, denied)?;
    let arguments = job.argv.iter().map(|argument| std::ffi::OsStr::from_bytes(argument));
    let error = Command::new(&program).args(arguments).env_clear().exec();
    Err(child::Error::Execute { program, source: error })
}
