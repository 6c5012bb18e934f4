//! A `Spec`: everything that is decided before a machine starts. Nothing in it changes after.

use std::{ffi::OsString, net::IpAddr, os::fd::OwnedFd, path::PathBuf, time::Duration};

use guest_image::{Arch, nix::Flake};

use crate::policy::agents::Agents;
use crate::serve::{Choice, Upstream};

/// One run of `qvm`, fully resolved: paths are real, directories are open, numbers are in range.
#[derive(Debug)]
pub struct Spec {
    /// What is shared; the workspace is the first and always there.
    pub shares: Vec<Share>,
    /// Program and arguments, byte for byte; empty for a login shell.
    pub argv: Vec<OsString>,
    /// The guest's variables: the allow-list of the host's, then `-e`.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory in the guest, absolute.
    pub workdir: PathBuf,
    /// TCP ports of the guest to publish on the host.
    pub publish: Vec<Publish>,
    /// Guest memory in bytes, a multiple of 1 MiB.
    pub memory: u64,
    /// Virtual CPUs, 1–32.
    pub cpus: u8,
    /// Name of the machine, for `ps` and `exec`, and its host name. `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`.
    pub name: String,
    /// The command is ended after this long, with status 124.
    pub timeout: Option<Duration>,
    /// What runs the virtual CPUs: already decided, never `auto`.
    pub accel: Accel,
    /// Why `accel` was taken, in one sentence.
    pub accel_reason: String,
    /// `qemu-system-ARCH` by its real path, which is outside every share; `Some` with `tcg`.
    pub qemu: Option<PathBuf>,
    /// Who called, by the user database; made to exist in the guest.
    pub caller: Caller,
    /// What the machine is: another architecture than this one's is emulated.
    pub arch: Arch,
    /// Image name or digest; `None` for the default.
    pub image: Option<String>,
    /// Kernel: `image`, `microvm`, the start of a digest or a path; `None` for the default.
    pub kernel: Option<String>,
    /// The flake that makes it, if a flake does.
    pub image_flake: Option<Flake>,
    /// The flake whose development shell is laid above it.
    pub flake: Option<Flake>,
    /// Variables of that shell, once it is computed; all others win over them.
    pub shell: Vec<(OsString, OsString)>,
    /// The language model that the guest may ask; `None`: nothing listens there.
    pub model: Option<Model>,
    /// What the guest asks it is written to this file.
    pub log_requests: Option<PathBuf>,
    /// Agents that are laid above it.
    pub agents: Agents,
    /// Run the command as root of the guest.
    pub guest_root: bool,
    /// The guest has KVM (on x86_64 by `kvm-amd` or `kvm-intel`), for the KVM lab.
    pub nested: bool,
    /// Extra QEMU arguments are for measurements only: count instructions instead of time.
    #[cfg_attr(target_os = "macos", allow(dead_code, reason = "of QEMU"))]
    pub icount: Option<u8>,
    /// What is said on standard error.
    pub output: Output,
}

/// Who supplies the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// qvm's own server, in its sandbox.
    Local(LocalModel),
    /// Whatever `qvm serve` was told to serve: it runs, and nothing else was asked for.
    Running,
    /// A server of this machine that somebody else runs.
    Upstream(Upstream),
}

/// A model that qvm serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalModel {
    /// Its id.
    pub id: String,
    /// How it was chosen.
    pub choice: Choice,
    /// Where its weights come from.
    pub source: String,
    /// `qvm serve` and its arguments, for starting the server if none runs.
    pub serve: Vec<OsString>,
}

/// What is said beside the command's own output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Output {
    /// No notes, only errors.
    pub quiet: bool,
    /// Stream the guest's console.
    pub show_boot: bool,
    /// One JSON object about the run on standard error at the end.
    pub json: bool,
    /// Phases and their durations at the end.
    pub timing: bool,
}

/// The account that qvm runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Login name; the number where the user database has no entry.
    pub name: String,
    /// Name of the primary group; the number where the user database has no entry.
    pub group: String,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Home directory by the user database, else `$HOME`; absolute.
    pub home: PathBuf,
}

/// A directory shared with the guest.
#[derive(Debug)]
pub struct Share {
    /// virtio-fs tag.
    pub tag: String,
    /// Real path on the host.
    pub host: PathBuf,
    /// `O_PATH|O_DIRECTORY` on it, opened when it was checked.
    pub dir: OwnedFd,
    /// Absolute path in the guest.
    pub guest: PathBuf,
    /// The device refuses every change.
    pub read_only: bool,
}

/// A published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// Address to listen on; 127.0.0.1 unless given.
    pub ip: IpAddr,
    /// Port on the host; 0 lets the system choose.
    pub host_port: u16,
    /// Port on the guest's loopback.
    pub guest_port: u16,
}

/// What runs the virtual CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// Our own VMM on KVM.
    Kvm,
    /// Our own VMM on Hypervisor.framework.
    Hvf,
    /// QEMU's software emulation as CPU engine, our devices.
    Tcg,
}

impl Accel {
    /// The name that `--accel` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Hvf => "hvf",
            Self::Tcg => "tcg",
        }
    }
}
