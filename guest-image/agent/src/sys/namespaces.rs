//! Namespaces: new ones for systemd, and those for the commands that run under it.
//!
//! What a child does in here, it does between fork and exec: system calls and nothing else.
#![expect(unsafe_code, reason = "leaving a namespace of files is safe only in a new process")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{
    ThreadNameSpaceType, UnshareFlags, move_into_thread_name_spaces, unshare_unsafe,
};

/// Flags of file systems of the kernel.
const KERNEL: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// What is to be found in new namespaces.
#[derive(Debug)]
pub struct Container {
    /// The terminal that is `/dev/console` there.
    pub console: CString,
}

impl Container {
    /// In a child that is PID 1 of a new namespace of processes already, and in the cgroup that
    /// it shall see as the root of all: its own view of mounts and of cgroups. What is mounted
    /// outside appears inside, but not the other way round.
    pub fn furnish(&self) -> rustix::io::Result<()> {
        // SAFETY: this process has one thread and shares no descriptors or folders with another.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::NEWCGROUP)? };
        let everywhere = MountPropagationFlags::REC;
        mount_change(c"/", MountPropagationFlags::DOWNSTREAM | everywhere)?;
        mount_change(c"/", MountPropagationFlags::SHARED | everywhere)?;
        mount_bind(self.console.as_c_str(), c"/dev/console")?;
        let fresh = |kind: &CStr, place: &CStr| mount(kind, place, kind, KERNEL, None::<&CStr>);
        // By this systemd knows that devices are somebody else's business: no udev.
        mount_remount(c"/sys", MountFlags::BIND | MountFlags::RDONLY | KERNEL, c"")?;
        // The same again on itself would be refused, although it begins further down.
        unmount(c"/sys/fs/cgroup", UnmountFlags::DETACH)?;
        fresh(c"cgroup2", c"/sys/fs/cgroup")?;
        fresh(c"proc", c"/proc")
    }
}

/// The namespaces of a process, for others to be started in.
#[derive(Debug)]
pub struct Namespaces {
    theirs: OwnedFd,
    ours: OwnedFd,
}

impl Namespaces {
    /// Those of process `pid`.
    ///
    /// # Errors
    /// `ESRCH` when it has ended.
    pub fn of(pid: i32) -> io::Result<Self> {
        let open = |pid: Option<Pid>| {
            pid.ok_or(rustix::io::Errno::SRCH).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
        };
        Ok(Self { theirs: open(Pid::from_raw(pid))?, ours: open(Some(rustix::process::getpid()))? })
    }

    /// Runs `fork`, whose child is then a process among theirs. It still has our view of files.
    ///
    /// # Errors
    /// `ESRCH` when the process whose namespaces they are has ended; what `fork` says.
    pub fn fork(&self, fork: impl FnOnce() -> io::Result<i32>) -> io::Result<i32> {
        // Of this thread alone, and only for its children, which threads are too: until it is
        // back it cannot make any.
        move_into_thread_name_spaces(self.theirs.as_fd(), ThreadNameSpaceType::PROCESS_ID)?;
        let result = fork();
        move_into_thread_name_spaces(self.ours.as_fd(), ThreadNameSpaceType::PROCESS_ID)?;
        result
    }

    /// Whether their PID 1 has ended, or is about to, and takes all else there with it: the kernel
    /// lets go of its namespaces before it kills the others.
    pub fn are_over(&self) -> bool {
        self.fork(|| Ok(0)).is_err()
    }

    /// In a child: their view of files and cgroups.
    pub fn enter(&self) -> rustix::io::Result<()> {
        let both = ThreadNameSpaceType::MOUNT | ThreadNameSpaceType::CONTROL_GROUP;
        move_into_thread_name_spaces(self.theirs.as_fd(), both)
    }
}
