//! One `execve` and no other.
//!
//! A filter that allows `execve` once does not exist: filters have no memory. But a filter can
//! leave a call to another process, which holds the filter's listener: that process admits the
//! first call and closes the listener, and from then on the kernel answers `ENOSYS`.

#![expect(unsafe_code, reason = "seccomp listeners are not in rustix")]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use rustix::process::Pid;
use seccompiler::sock_filter;

use super::statement;

/// Leaves `execve` to the listener's holder. Numbers are those of this architecture: the tables'
/// filter, which is installed on top, kills at any other.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
const PROGRAM: [sock_filter; 4] = [
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
    statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_execve as u32),
    statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
    statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
];

/// Installs the filter on the calling thread, which must be the only one and have
/// `no_new_privs`. The listener is closed when something is executed.
pub(in super::super) fn install() -> io::Result<OwnedFd> {
    let fd = load(&PROGRAM, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)?;
    // SAFETY: the call made this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Installs `program` on the calling thread: what it refuses is told in the kernel's log.
pub(super) fn install_logged(program: &[sock_filter]) -> io::Result<()> {
    load(program, libc::SECCOMP_FILTER_FLAG_LOG).map(drop)
}

fn load(program: &[sock_filter], flags: libc::c_ulong) -> io::Result<i32> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        // The kernel only reads; the type has no constant form.
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the program and its header live across the call. sock_filter is the kernel's
    // own layout in both crates.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Admits the call that `child` waits with. Only its own code before the execution runs in
/// it, so what it asks for cannot change meanwhile.
pub(in super::super) fn admit(listener: &OwnedFd, child: Pid) -> io::Result<()> {
    // SAFETY: all zero is a valid value, and the one that the kernel demands.
    let mut asked: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives across the call; newer kernels do not write beyond its size.
    let result = unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV as _, &raw mut asked)
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let by = i32::try_from(asked.pid).unwrap_or(-1);
    if by != child.as_raw_nonzero().get() || i64::from(asked.data.nr) != libc::SYS_execve {
        return Err(io::Error::other("another call came first"));
    }
    let answer = libc::seccomp_notif_resp {
        id: asked.id,
        val: 0,
        error: 0,
        flags: u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(0),
    };
    // SAFETY: the structure lives across the call. A kernel that does not know the flag
    // (before Linux 5.5) answers with an error.
    let result = unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND as _, &raw const answer)
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
