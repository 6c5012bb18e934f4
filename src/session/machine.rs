//! The processes that make a machine.
//!
//! ```text
//!            ┌── console socket ──────────────▶ Console
//!   engine ──┼── vhost-user ── fs, one a share
//!  (vmm or   └── vhost-user ── vsock ─┬─ channel ──▶ Broker
//!    qemu)                            └─ channels ─▶ bridge, with a model
//! ```
//!
//! On macOS the engine serves the shares and vsock itself ([`engine`]).
//!
//! All are started at once; each confines itself while the others do. The guest cannot run before
//! its devices are up: the engine waits for their first answer.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::{Duration, Instant},
};

use agent_protocol::AGENT_PORT;
use guest_image::{Arch, Image, agent};
use rustix::event::{PollFd, PollFlags, poll};

use super::{
    attach::spawn,
    console::Console,
    engine::{self, Base},
    error::{Error, Tail},
    event::{Event, Events},
    model::{self, GuestModel},
    vmm::FirstEntry,
};
use crate::{
    process::{MachineExit, Process, Status},
    spec::Spec,
    sys::channel,
};

/// A process has this long to confine itself: it takes milliseconds, on a loaded machine more.
const CONFINED: Duration = Duration::from_secs(60);
/// A machine whose agent is gone is given this long to be gone itself.
const BRIEFLY: Duration = Duration::from_secs(3);

/// The vsock ports that a guest of this run may connect to, with what is behind them.
pub fn vsock_ports(spec: &Spec) -> Vec<(u32, &'static str)> {
    let mut ports = vec![(AGENT_PORT, "the session: control, and the command's streams")];
    if spec.model.is_some() {
        ports.extend(model::PORTS);
    }
    ports
}

/// A machine that runs.
pub struct Machine {
    processes: Vec<Process>,
    channel: Option<OwnedFd>,
    first_entry: Option<FirstEntry>,
    /// What the guest prints.
    pub console: Console,
}

/// What an engine is given whose devices other processes serve.
#[cfg(target_os = "linux")]
pub(super) struct Parts<'a> {
    pub spec: &'a Spec,
    pub kernel: File,
    pub initrd: Vec<File>,
    /// The root's image, then those above it.
    pub disks: Vec<File>,
    pub console: UnixStream,
    pub vsock: UnixStream,
    /// vhost-user socket and tag.
    pub shares: Vec<(UnixStream, String)>,
}

/// Where the parts of an initial RAM file system begin: multiples of this many bytes. The kernel
/// skips zeros between archives, and wants a file's content to end there.
const INITRD_ALIGN: u64 = 4;

/// An engine that has closed its connections is given this long to be gone.
const ENGINE_END: Duration = Duration::from_secs(20);

impl Machine {
    /// Starts all processes and waits until each is confined.
    pub fn launch(
        spec: &Spec,
        image: &Image,
        model: Option<&mut GuestModel>,
        events: &Events,
    ) -> Result<Self, Error> {
        let system = |what| move |e: io::Error| Error::System(what, e);
        let (console, console_end) = UnixStream::pair().map_err(system("make a socket"))?;
        let console =
            Console::follow(console, spec.output.show_boot).map_err(system("start threads"))?;
        let (channel, channel_end) = channel().map_err(system("make a socket"))?;

        let mut processes = Vec::new();
        let mut ports = vec![(AGENT_PORT, channel_end)];
        if let Some(model) = model {
            let (process, ends) = model.start(spec.log_requests.as_deref())?;
            processes.push(process);
            ports.extend(ends);
        }
        let kernel = image.vmlinux().ok_or_else(|| Error::NoKernel(image.digest.to_string()))?;
        let mut disks = vec![open(&image.root())?];
        for layer in &image.layers {
            disks.push(open(layer)?);
        }
        let started = engine::start(Base {
            spec,
            kernel: open(&kernel)?,
            initrd: initrd(spec.arch, image)?,
            disks,
            console: console_end,
            ports,
        })?;
        processes.extend(started.processes);
        let first_entry = started.first_entry;
        let ready = processes.iter_mut().try_for_each(|process| process.ready(CONFINED).map(drop));
        crate::sys::settle();
        ready?;
        watch(&processes, events.clone()).map_err(system("watch processes"))?;
        Ok(Self { processes, channel: Some(channel), first_entry, console })
    }

    /// The session's end of the agent's port; once.
    pub fn take_channel(&mut self) -> OwnedFd {
        #[expect(clippy::expect_used, reason = "its one caller takes it once, right after launch")]
        self.channel.take().expect("the channel is taken once")
    }

    /// When the first vCPU entered the guest, where the engine tells.
    pub fn first_entry(&self) -> Option<Instant> {
        self.first_entry.as_ref().and_then(FirstEntry::at)
    }

    /// Waits a little for any process to end; gives its place.
    pub fn wait_briefly(&mut self) -> Option<usize> {
        let deadline = Instant::now() + BRIEFLY;
        while Instant::now() < deadline {
            let ended = self.processes.iter_mut().position(|p| p.try_status().is_some());
            if ended.is_some() {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Why the session is over, given that the process at `which` ended.
    pub fn explain(&mut self, which: usize) -> Error {
        let engine = self.processes.len() - 1;
        // A device process ends in good order when its engine closes the connection: the engine is
        // the cause then, and its end comes once its memory is freed. One that was killed takes
        // the engine with it.
        let orderly = self.processes[which].try_status().is_some_and(Status::success);
        let cause = if which == engine {
            which
        } else if orderly && self.processes[engine].wait_for(ENGINE_END).is_some() {
            engine
        } else {
            which
        };
        let process = &mut self.processes[cause];
        let Some(status) = process.wait_for(BRIEFLY) else {
            return Error::ProcessGone(process.name(), String::new());
        };
        let end = process.machine_end();
        if cause == engine && status.success() {
            // The console's last lines may still be on their way.
            std::thread::sleep(Duration::from_millis(50));
            let notes = end.as_ref().map(|end| end.notes.clone()).unwrap_or_default();
            let tail = Tail { lines: self.console.telling(), notes };
            let panicked = end.is_some_and(|end| end.exit == MachineExit::Panicked);
            return if panicked || self.console.panicked() {
                Error::Panicked(tail)
            } else {
                Error::Stopped(tail)
            };
        }
        let words = process.last_words().map(|words| format!(": {words}")).unwrap_or_default();
        Error::ProcessGone(process.name(), format!(" ({status}){words}"))
    }

    /// Ends every process and waits until all are gone. The engine is killed first, as it uses
    /// the others; they end side by side.
    pub fn stop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            process.kill();
        }
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
    }
}

/// The initial RAM file system in parts, each of which begins at a multiple of [`INITRD_ALIGN`]:
/// the agent's archive, then the image's modules.
pub fn initrd(arch: Arch, image: &Image) -> Result<Vec<File>, Error> {
    let system = |what| move |e: io::Error| Error::System(what, e);
    let agent = open(&agent::locate(arch)?)?;
    let length = agent.metadata().map_err(system("read the guest agent"))?.len();
    let (head, tail) = agent::initramfs(length)
        .map_err(|e| Error::System("make the initial RAM file system", io::Error::other(e)))?;
    let part = |bytes: &[u8]| memory_file("initrd", &[bytes]).map_err(system("make a memory file"));
    let modules = image.modules().as_deref().map(open).transpose()?;
    Ok([part(&head)?, agent, part(&tail)?].into_iter().chain(modules).collect())
}

/// Writes the parts of an initial RAM file system one after the other.
pub fn join_initrd(parts: Vec<File>, mut out: impl Write) -> io::Result<()> {
    for mut part in parts {
        part.rewind()?;
        let length = io::copy(&mut part, &mut out)?;
        let padding = length.next_multiple_of(INITRD_ALIGN) - length;
        io::copy(&mut io::repeat(0).take(padding), &mut out)?;
    }
    Ok(())
}

/// Reports the first end of a process.
fn watch(processes: &[Process], events: Events) -> io::Result<()> {
    let fds: Vec<OwnedFd> =
        processes.iter().map(|p| p.as_fd().try_clone_to_owned()).collect::<io::Result<_>>()?;
    spawn("processes", move || {
        loop {
            let mut polled: Vec<PollFd<'_>> =
                fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
            match poll(&mut polled, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
            if let Some(which) = polled.iter().position(|p| !p.revents().is_empty()) {
                let _ = events.send(Event::Ended(which));
                return;
            }
        }
    })?;
    Ok(())
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| Error::Open(path.to_owned(), e))
}

/// A file in memory that holds `parts`, one after the other.
pub(super) fn memory_file(name: &str, parts: &[&[u8]]) -> io::Result<File> {
    let mut file = crate::sys::memory_file(name)?;
    for part in parts {
        file.write_all(part)?;
    }
    Ok(file)
}

/// The end of the kernel's line, which tells the agent how many disks are layers above the root:
/// what the kernel does not know it puts into the environment of its first program.
pub(super) fn layers(disks: &[File]) -> String {
    match disks.len().saturating_sub(1) {
        0 => String::new(),
        layers => format!(" qvm_layers={layers}"),
    }
}

/// The number of a descriptor, to be named in arguments.
#[cfg(target_os = "linux")]
pub(super) fn number(fd: &impl std::os::fd::AsRawFd) -> i32 {
    fd.as_raw_fd()
}
