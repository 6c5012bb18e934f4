//! What this machine offers, found out without confining the caller.

#![expect(unsafe_code, reason = "asking for a seccomp action is not in rustix")]

use std::io;

use rustix::io::Errno;

use super::{caps, namespaces, rules};
use crate::{State, Support};

/// Reports what this machine offers for confinement, and why it lacks what it lacks. Tries
/// user namespaces in a short-lived child; confines nothing.
#[must_use]
pub fn probe() -> Support {
    let works = namespaces::trial();
    let user_namespace = if works {
        State::active("can be made")
    } else {
        State::missing(namespaces::why_refused(Errno::PERM))
    };
    let namespaces = if works || caps::privileged() {
        State::active("mount, net, ipc, uts, cgroup, pid")
    } else {
        State::missing("they need a user namespace or root")
    };
    Support { user_namespace, namespaces, landlock: rules::support(), seccomp: seccomp() }
}

fn seccomp() -> State {
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the call reads one integer, which lives across it.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action)
    };
    if result == 0 {
        State::active("filters that kill the process")
    } else {
        State::missing(format!(
            "the kernel has no system call filters: {}",
            io::Error::last_os_error()
        ))
    }
}
