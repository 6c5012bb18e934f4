//! macOS.
#![expect(unsafe_code, reason = "a kqueue takes descriptors by number")]

use std::{
    convert::Infallible,
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::PathBuf,
    process::Command,
};

use confine::{
    Denied, Profile, Report, Role,
    seatbelt::{self, Folder},
};
use qvm_vmm::machine::{self, Machine, MachineSpec};
use rustix::{
    event::{
        PollFd, PollFlags, Timespec,
        kqueue::{
            Event, EventFilter, EventFlags, ProcessEvents, UserDefinedFlags, UserFlags,
            kevent_timespec, kqueue,
        },
        poll,
    },
    fs::getpath,
    io::{Errno, FdFlags, fcntl_setfd},
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid},
};
use serde::{Deserialize, Serialize};

use crate::{
    process::{Status, bridge, child, launch::Sandbox, model, vmm},
    sys::own_program,
};

/// No process serves a device.
pub(in crate::process) type ServeError = Infallible;

/// What a process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) enum Job {
    Vmm(vmm::VmmJob),
    Bridge(bridge::BridgeJob),
    Model(model::ModelJob),
}

impl Job {
    /// Does it.
    pub(in crate::process) fn run(self, start: child::Start) -> Result<(), child::Error> {
        match self {
            Self::Vmm(job) => vmm::run(job, start),
            Self::Bridge(job) => bridge::run(job, start),
            Self::Model(job) => model::run(job, start),
        }
    }
}

/// This program, executed anew by `sandbox-exec`, which leaves its number and descriptors as they
/// are.
pub(in crate::process) fn command(sandbox: &Sandbox, given: &[OwnedFd]) -> io::Result<Command> {
    let program = own_program()?;
    // It puts another program into a sandbox, which a process in one cannot.
    if sandbox.role == Role::Model {
        return Ok(Command::new(program));
    }
    let folder =
        |(path, read_only): &(PathBuf, bool)| Folder { path: path.clone(), read_only: *read_only };
    // Those that are files; a socket has no path.
    let paths = given.iter().filter_map(|fd| getpath(fd).ok());
    let given = paths.map(|path| PathBuf::from(OsString::from_vec(path.into_bytes())));
    let shared = |path: &PathBuf| sandbox.folders.iter().any(|(folder, _)| path == folder);
    let seatbelt = seatbelt::Machine {
        folders: sandbox.folders.iter().map(folder).collect(),
        given: given.filter(|path| !shared(path)).collect(),
        program: program.clone(),
    };
    let mut command = Command::new(seatbelt::PROGRAM);
    command.args(seatbelt.arguments().map_err(io::Error::other)?).arg(program);
    Ok(command)
}

/// There is nothing of the kind: crate `confine` watches the session's pipe.
#[allow(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(in crate::process) fn die_with() -> io::Result<()> {
    Ok(())
}

/// How the monitor confines itself.
pub(in crate::process) struct Confinement {
    /// What a refused system call does.
    pub(in crate::process) denied: Denied,
    /// It serves folders itself, as it always does here: its sandbox has them.
    #[allow(dead_code, reason = "it makes a difference on Linux")]
    pub(in crate::process) serves: bool,
}

impl Confinement {
    /// [`confine::enter`].
    pub(in crate::process) fn enter(&self, profile: Profile) -> Result<Report, confine::Error> {
        Ok(confine::enter(profile)?.report)
    }

    /// [`confine::seal`].
    pub(in crate::process) fn seal(&self) -> Result<(), confine::Error> {
        confine::seal(Role::Vmm, self.denied)?;
        Ok(())
    }
}

/// Builds a machine on Hypervisor.framework.
pub(in crate::process) fn machine(spec: MachineSpec) -> Result<vmm::Built, machine::Error> {
    let machine = Machine::on_hvf(spec)?;
    Ok(Box::new(move || machine.run()))
}

/// A process of ours. Its descriptor is readable once it has ended.
#[derive(Debug)]
pub(in crate::process) struct Watch {
    queue: OwnedFd,
    pid: Pid,
}

impl Watch {
    /// Watches a child that nobody has waited for yet, so that its number is still its own.
    pub(in crate::process) fn new(child: Pid) -> io::Result<Self> {
        let queue = kqueue()?;
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        let exit = EventFilter::Proc { pid: child, flags: ProcessEvents::EXIT };
        match add(&queue, exit) {
            Ok(()) => {}
            // It has ended already: an event that nobody takes says so for ever.
            Err(Errno::SRCH) => {
                let user_flags = UserDefinedFlags::new(0);
                add(&queue, EventFilter::User { ident: 1, flags: UserFlags::NOINPUT, user_flags })?;
                add(&queue, EventFilter::User { ident: 1, flags: UserFlags::TRIGGER, user_flags })?;
            }
            Err(errno) => return Err(errno.into()),
        }
        Ok(Self { queue, pid: child })
    }

    /// Kills it, and what it started, as it leads a session of its own. Nobody else waits for it, so
    /// the number is its own until [`Watch::status`] has told its end, after which this is not
    /// called.
    pub(in crate::process) fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
        // In case that it does not lead one yet.
        let _ = kill_process(self.pid, Signal::KILL);
    }

    /// How it ended; `None` while it runs. Not to be asked again once it has told.
    ///
    /// XNU posts the event of an end a moment before a process can be waited for, so after the
    /// event its status is waited for.
    pub(in crate::process) fn status(&self) -> Option<Status> {
        let mut polled = [PollFd::new(&self.queue, PollFlags::IN)];
        let options = match poll(&mut polled, Some(&Timespec::default())) {
            Ok(1..) => WaitIdOptions::EXITED,
            _ => WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        };
        loop {
            match waitid(WaitId::Pid(self.pid), options) {
                Ok(status) => return status.as_ref().map(Status::of),
                Err(Errno::INTR) => {}
                Err(_) => return Some(Status::Unknown),
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// Adds an event to a queue, or triggers it.
fn add(queue: &OwnedFd, filter: EventFilter) -> rustix::io::Result<()> {
    let change = Event::new(filter, EventFlags::ADD, std::ptr::null_mut());
    let mut none: [std::mem::MaybeUninit<Event>; 0] = [];
    // SAFETY: the change names a process or nothing, no descriptor.
    unsafe { kevent_timespec(queue, &[change], &mut none[..], None) }?;
    Ok(())
}
