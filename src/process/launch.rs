//! Starting: the same binary anew, with a few descriptors and an order of what to do.

#![expect(
    unsafe_code,
    reason = "what is done between fork and exec, and taking over descriptors by number"
)]

use std::{
    fs::File,
    io::{self, Seek, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::Stdio,
};

use confine::{Denied, Role};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, getpid, getppid, setsid},
};
use serde::{Deserialize, Serialize};

use super::{
    Error, MARK, Process,
    sys::{self, Job, Watch},
    words::Words,
};
use crate::sys::{memory_file, pipe};

/// A descriptor that a process is given. Its number is the same on both sides.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Passed(RawFd);

impl Passed {
    /// The number.
    pub(super) fn number(&self) -> RawFd {
        self.0
    }

    /// Takes the descriptor over, in the process that was given it.
    pub(super) fn take(self) -> io::Result<OwnedFd> {
        // SAFETY: the command takes no pointer; a number that is not open is an error.
        if unsafe { libc::fcntl(self.0, libc::F_GETFD) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open. A number in an order was given to this process for this one
        // purpose, nothing else here knows it, and taking it uses the number up.
        let fd = unsafe { OwnedFd::from_raw_fd(self.0) };
        fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
        Ok(fd)
    }
}

/// What a process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The session's process id.
    pub(super) parent: u32,
    /// When this pipe closes, the process ends.
    pub(super) life: Passed,
    /// What a refused system call does.
    pub(super) denied: Denied,
    /// What to do.
    pub(super) job: Job,
}

/// A process in the making.
pub(super) struct Launch {
    role: Role,
    fds: Vec<OwnedFd>,
    sandbox: Sandbox,
}

/// What is around a process from its first instruction, where the system has such a thing.
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "a process confines itself"))]
#[derive(Debug)]
pub(super) struct Sandbox {
    /// What it is.
    pub(super) role: Role,
    /// Folders that it serves, by their real paths, and whether they are read-only.
    pub(super) folders: Vec<(PathBuf, bool)>,
}

impl Launch {
    pub(super) fn new(role: Role) -> Self {
        Self { role, fds: Vec::new(), sandbox: Sandbox { role, folders: Vec::new() } }
    }

    /// Gives the process a descriptor.
    pub(super) fn pass(&mut self, fd: impl Into<OwnedFd>) -> Passed {
        let fd = fd.into();
        let number = fd.as_raw_fd();
        self.fds.push(fd);
        Passed(number)
    }

    /// Lets the process reach the folder at `path`, which it serves.
    pub(super) fn serves(&mut self, path: PathBuf, read_only: bool) {
        self.sandbox.folders.push((path, read_only));
    }

    /// Starts the process. The session's copies of the descriptors are closed.
    pub(super) fn start(self, job: Job) -> Result<Process, Error> {
        let name = self.role.name();
        self.try_start(job).map_err(|source| Error::Start { name, source })
    }

    fn try_start(mut self, job: Job) -> io::Result<Process> {
        let (words, said) = Words::pipe()?;
        let (theirs, life) = pipe()?;
        let parent = getpid();
        let order =
            Order { parent: std::process::id(), life: self.pass(theirs), denied: denied(), job };
        let order = self.pass(order.write()?);
        let numbers: Vec<RawFd> = self.fds.iter().map(AsRawFd::as_raw_fd).collect();
        let mut command = sys::command(&self.sandbox, &self.fds)?;
        command
            .arg0(format!("qvm-{}", self.role.name()))
            .args([MARK, &order.number().to_string()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        // SAFETY: the closure makes system calls and nothing else: no allocation, no lock.
        unsafe {
            command.pre_exec(move || between(parent, &numbers));
        }
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        // Nobody else waits for it, so the number is still its own even if it ended.
        Ok(Process::new(self.role.name(), Watch::new(pid)?, life, words))
    }
}

impl Order {
    /// Writes the order into a memory file.
    fn write(&self) -> io::Result<OwnedFd> {
        let mut file = memory_file("qvm order")?;
        // At once: the writer would make a system call of every token.
        file.write_all(&serde_json::to_vec(self)?)?;
        file.rewind()?;
        Ok(file.into())
    }

    /// Reads the order that this process was given as descriptor `number`, and closes that.
    pub(super) fn read(number: RawFd) -> io::Result<Self> {
        let file = File::from(Passed(number).take()?);
        Ok(serde_json::from_reader(io::BufReader::new(file))?)
    }
}

/// Between fork and exec: ends with the session from here on, leaves its terminal, lets the
/// descriptors through.
fn between(parent: Pid, numbers: &[RawFd]) -> io::Result<()> {
    sys::die_with()?;
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    setsid()?;
    for number in numbers {
        // SAFETY: the session keeps these open until the process is started; clearing a
        // flag of the copies here touches no memory.
        if unsafe { libc::fcntl(*number, libc::F_SETFD, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: an all-zero set is an empty one; both calls work on it and the process alone.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        if libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// `QVM_SECCOMP=trap` makes a refused system call say what it was. It is refused all the same.
fn denied() -> Denied {
    match std::env::var_os("QVM_SECCOMP") {
        Some(value) if value == "trap" => Denied::Trap,
        _ => Denied::Kill,
    }
}
