//! The virtual machine monitor.
//!
//! On Linux other processes serve its shares and vsock. On macOS it does so itself, on threads of
//! its own ([`local`]).

mod local;

use std::{
    fs::File,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
};

use confine::{Profile, Role};
use qvm_vmm::machine::{Exit, MachineSpec, Outcome, RunError, VhostUserSpec};
use serde::{Deserialize, Serialize};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::{Confinement, Job, machine},
    words,
};

/// A machine to be built and run. See [`MachineSpec`] for what each field means and its bounds.
#[derive(Debug)]
pub struct VmmArgs {
    /// Number of vCPUs, 1 to 32.
    pub cpus: u8,
    /// Bytes of memory.
    pub memory: u64,
    /// The kernel's image.
    pub kernel: OwnedFd,
    /// Initial RAM file systems, in order.
    pub initrd: Vec<OwnedFd>,
    /// Kernel command line.
    pub cmdline: String,
    /// Images of file systems, in order.
    pub disks: Vec<OwnedFd>,
    /// Devices that other processes serve.
    pub vhost_user: Vec<VhostUserArgs>,
    /// Whether there is an entropy device.
    pub rng: bool,
    /// Whether there is a memory balloon.
    pub balloon: bool,
    /// Where the guest's serial port writes: a pipe or socket of its own.
    pub serial: Option<OwnedFd>,
    /// `/dev/kvm`, opened for reading and writing. Without, Hypervisor.framework runs the machine.
    pub kvm: Option<OwnedFd>,
    /// Folders that the monitor serves itself.
    pub shares: Vec<LocalShare>,
    /// vsock, if the monitor serves that itself.
    pub vsock: Option<LocalVsock>,
    /// The machine stops when this becomes readable or its other end closes.
    pub stop: Option<OwnedFd>,
    /// Eight bytes are written here just before the guest's first instruction: an eventfd or
    /// a pipe.
    pub first_entry: Option<OwnedFd>,
}

/// A shared folder that the monitor serves itself.
#[derive(Debug)]
pub struct LocalShare {
    /// The folder, opened.
    pub dir: OwnedFd,
    /// Its real path.
    pub path: PathBuf,
    /// Its virtio-fs tag.
    pub tag: String,
    /// Every change is refused.
    pub read_only: bool,
}

/// The vsock device that the monitor serves itself.
#[derive(Debug)]
pub struct LocalVsock {
    /// The guest's address: 3 or more.
    pub guest_cid: u64,
    /// Each port with one end of a channel: at the other end
    /// [`virtio_devices::vsock::accept`] receives the connections.
    pub ports: Vec<(u32, OwnedFd)>,
}

/// A device that another process serves.
#[derive(Debug)]
pub struct VhostUserArgs {
    /// For messages.
    pub name: String,
    /// Virtio device type.
    pub device_type: u32,
    /// Largest size of each queue.
    pub queue_sizes: Vec<u16>,
    /// Connected to the process: what [`spawn_fs`](super::spawn_fs) and
    /// [`spawn_vsock`](super::spawn_vsock) return.
    pub socket: UnixStream,
    /// The device's configuration space.
    pub config: Vec<u8>,
}

/// How the machine ended, as its process says: see [`Process::machine_end`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineEnd {
    /// How it ended.
    pub exit: MachineExit,
    /// What devices had to say, one line each.
    pub notes: Vec<String>,
}

/// A machine that is built: runs it to its end.
pub(super) type Built = Box<dyn FnOnce() -> Result<Outcome, RunError>>;

/// How a machine ended: [`Exit`] on its way between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineExit {
    /// The guest powered off.
    PowerOff,
    /// The guest asked for a reset.
    Reset,
    /// The guest's kernel reported its panic.
    Panicked,
    /// The guest's processor gave up.
    TripleFault,
    /// It was told to stop.
    Stopped,
}

impl From<Exit> for MachineExit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::PowerOff => Self::PowerOff,
            Exit::Reset => Self::Reset,
            Exit::Panicked => Self::Panicked,
            Exit::TripleFault => Self::TripleFault,
            Exit::Stopped => Self::Stopped,
        }
    }
}

/// The same as [`VmmArgs`] on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VmmJob {
    cpus: u8,
    memory: u64,
    kernel: Passed,
    initrd: Vec<Passed>,
    cmdline: String,
    disks: Vec<Passed>,
    vhost_user: Vec<VhostUserJob>,
    rng: bool,
    balloon: bool,
    serial: Option<Passed>,
    kvm: Option<Passed>,
    shares: Vec<local::ShareJob>,
    vsock: Option<local::VsockJob>,
    stop: Option<Passed>,
    first_entry: Option<Passed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct VhostUserJob {
    name: String,
    device_type: u32,
    queue_sizes: Vec<u16>,
    socket: Passed,
    config: Vec<u8>,
}

/// Starts the monitor. It is ready ([`Process::ready`]) when the machine is built, and runs it
/// then at once.
///
/// # Errors
/// [`Error::Start`]. What happens later is told by [`Process::ready`].
pub fn spawn_vmm(args: VmmArgs) -> Result<Process, Error> {
    let mut launch = Launch::new(Role::Vmm);
    let shares = args.shares.into_iter().map(|s| local::ShareJob::pass(s, &mut launch)).collect();
    let mut pass = |fd: OwnedFd| launch.pass(fd);
    let job = VmmJob {
        cpus: args.cpus,
        memory: args.memory,
        kernel: pass(args.kernel),
        initrd: args.initrd.into_iter().map(&mut pass).collect(),
        cmdline: args.cmdline,
        disks: args.disks.into_iter().map(&mut pass).collect(),
        vhost_user: args
            .vhost_user
            .into_iter()
            .map(|device| VhostUserJob {
                name: device.name,
                device_type: device.device_type,
                queue_sizes: device.queue_sizes,
                socket: pass(device.socket.into()),
                config: device.config,
            })
            .collect(),
        rng: args.rng,
        balloon: args.balloon,
        serial: args.serial.map(&mut pass),
        kvm: args.kvm.map(&mut pass),
        vsock: args.vsock.map(|vsock| local::VsockJob::pass(vsock, &mut pass)),
        shares,
        stop: args.stop.map(&mut pass),
        first_entry: args.first_entry.map(&mut pass),
    };
    launch.start(Job::Vmm(job))
}

/// How it is confined.
pub(super) fn profile() -> Profile {
    Profile::new(Role::Vmm)
}

/// The process.
pub(super) fn run(job: VmmJob, start: child::Start) -> Result<(), child::Error> {
    let serves = !job.shares.is_empty();
    let mut profile = if serves { local::profile() } else { profile() };
    let mut keep = |passed: Passed| -> io::Result<OwnedFd> {
        let fd = passed.take()?;
        profile.keep.push(fd.as_raw_fd());
        Ok(fd)
    };
    let vhost_user = job
        .vhost_user
        .into_iter()
        .map(|device| {
            Ok(VhostUserSpec {
                name: device.name,
                device_type: device.device_type,
                queue_sizes: device.queue_sizes,
                socket: keep(device.socket)?.into(),
                config: device.config,
            })
        })
        .collect::<io::Result<_>>()?;
    let first_entry = job.first_entry.map(&mut keep).transpose()?;
    let vsock = job.vsock.map(|vsock| vsock.take(&mut keep)).transpose()?;
    let shares = local::take(job.shares, &mut keep)?;
    let mut spec = MachineSpec {
        cpus: job.cpus,
        memory: job.memory,
        kernel: keep(job.kernel)?.into(),
        initrd: job
            .initrd
            .into_iter()
            .map(|initrd| keep(initrd).map(File::from))
            .collect::<io::Result<_>>()?,
        cmdline: job.cmdline,
        disks: job
            .disks
            .into_iter()
            .map(|disk| keep(disk).map(File::from))
            .collect::<io::Result<_>>()?,
        vhost_user,
        local: Vec::new(),
        rng: job.rng,
        balloon: job.balloon,
        serial: job.serial.map(&mut keep).transpose()?,
        kvm: job.kvm.map(&mut keep).transpose()?,
        stop: job.stop.map(&mut keep).transpose()?,
        first_entry: first_entry.map(|event| {
            Box::new(move || {
                // Only a duration is lost if that fails.
                let _ = rustix::io::write(&event, &1_u64.to_ne_bytes());
            }) as Box<dyn FnOnce() + Send>
        }),
    };
    let confinement = Confinement { denied: start.denied, serves };
    let report = confinement.enter(start.bind(profile))?;
    spec.local = local::devices(shares, vsock)?;
    let run = machine(spec)?;
    words::say_ready(&report);
    confinement.seal()?;
    let outcome = run()?;
    words::say_end(&MachineEnd { exit: outcome.exit.into(), notes: outcome.notes });
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
#[path = "vmm_test.rs"]
mod tests;
