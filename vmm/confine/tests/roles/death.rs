//! Ending with the parent.

use std::{
    io::{Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    process::{ChildStdout, Command, ExitCode, Stdio},
};

use confine::{Denied, Role};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{FdFlags, fcntl_setfd},
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};

use crate::{
    Test,
    child::{How, confine, inherited},
    outside::Outside,
};

/// Far longer than a process takes to end, in seconds.
const BOUND: i64 = 30;

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for role in Role::ALL {
        tests.push((
            format!("death::{role}_ends_with_its_parent"),
            Box::new(move |outside| with_parent(outside, role)),
        ));
        tests.push((
            format!("death::{role}_ends_with_the_pipe"),
            Box::new(move |outside| with_pipe(outside, role)),
        ));
    }
    tests
}

/// Kills a parent and sees the confined child go.
fn with_parent(outside: &Outside, role: Role) {
    let mut parent = outside.command("parent", &[role.name()]);
    let mut parent = parent.stdout(Stdio::piped()).spawn().unwrap();
    let child = number(parent.stdout.as_mut().unwrap());
    let watch = pidfd_open(child, PidfdFlags::empty()).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    ends(&watch);
    ended(parent.stdout.as_ref().unwrap());
}

/// Closes the pipe and sees the child go, though its parent lives.
fn with_pipe(outside: &Outside, role: Role) {
    let (theirs, ours) = rustix::pipe::pipe().unwrap();
    fcntl_setfd(&ours, FdFlags::CLOEXEC).unwrap();
    let mut child = outside
        .command("lonely", &[role.name(), &theirs.as_raw_fd().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(theirs);
    let pid = number(child.stdout.as_mut().unwrap());
    let watch = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    drop(ours);
    ends(&watch);
    ended(child.stdout.as_ref().unwrap());
    assert!(!child.wait().unwrap().success());
}

fn ends(process: &OwnedFd) {
    let mut polled = [PollFd::new(process, PollFlags::IN)];
    let bound = Timespec { tv_sec: BOUND, tv_nsec: 0 };
    assert_eq!(poll(&mut polled, Some(&bound)).unwrap(), 1, "it lives on");
}

/// Waits until nobody holds the other end of a pipe: no process is left.
fn ended(pipe: &ChildStdout) {
    let mut polled = [PollFd::new(pipe, PollFlags::empty())];
    let bound = Timespec { tv_sec: BOUND, tv_nsec: 0 };
    assert_eq!(poll(&mut polled, Some(&bound)).unwrap(), 1, "a process lives on");
}

fn number(from: &mut impl Read) -> Pid {
    let mut line = [0; 12];
    let count = from.read(&mut line).unwrap();
    let text = std::str::from_utf8(&line[..count]).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

/// Starts a confined child, which says its number, and waits for it.
pub fn parent(folder: &str, role: Role) -> ExitCode {
    let (theirs, _ours) = rustix::pipe::pipe().unwrap();
    let number = theirs.as_raw_fd().to_string();
    fcntl_setfd(&_ours, FdFlags::CLOEXEC).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "lonely", folder, "0", "0", "", role.name(), &number]);
    let _ = command.status();
    ExitCode::FAILURE
}

/// Confines itself, says its number and stays.
pub fn lonely(folder: &str, role: Role) -> ExitCode {
    let life = std::env::args().next_back().unwrap().parse().unwrap();
    // The number outside: QEMU's process gets another one inside, and ends with this one.
    let said = std::process::id();
    confine(folder, role, How::Unsealed, Some(inherited(life))).unwrap();
    if role == Role::Qemu {
        assert_eq!(std::process::id(), 1);
    }
    confine::seal(role, Denied::Kill).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "{said}").unwrap();
    out.flush().unwrap();
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    }
}
