//! Real processes: this test program is the binary that is executed anew.

#![allow(clippy::unwrap_used)]
#![expect(unsafe_code, reason = "a function that runs before main")]

use std::{
    os::fd::{AsRawFd, OwnedFd},
    os::unix::net::UnixStream,
    time::Duration,
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
};

use super::*;

/// Long enough on any machine.
const LONG: Duration = Duration::from_secs(60);

/// Runs before the test harness: processes of ours are this program.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = become_process;

extern "C" fn become_process() {
    if let Some(path) = std::env::var_os(SESSION) {
        session(path.as_ref());
    }
    if let Some(code) = dispatch() {
        let failed = format!("{code:?}") != format!("{:?}", std::process::ExitCode::SUCCESS);
        std::process::exit(i32::from(failed));
    }
}

/// Holds the folder, in a process that plays the session.
const SESSION: &str = "QVM_TEST_SESSION";

/// Starts processes, says their numbers, waits for them if it is told to, and stays.
fn session(path: &std::path::Path) -> ! {
    use std::io::{Read, Write};
    let (mut fs, _fs_socket) = spawn_fs(share(path)).unwrap();
    let (theirs, _ours) = channel();
    let args = VsockArgs { guest_cid: 3, ports: vec![(1024, theirs)] };
    let (mut vsock, _vsock_socket) = spawn_vsock(args).unwrap();
    let arguments = ["-c".into(), "while :; do read x; done".into()].into_iter();
    let mut shell = qemu::spawn_program("/usr/bin/sh".into(), arguments, vec![]).unwrap();
    println!("{} {} {}", id(&fs), id(&vsock), id(&shell));
    std::io::stdout().flush().unwrap();
    let mut phase = [0];
    std::io::stdin().read_exact(&mut phase).unwrap();
    for process in [&mut fs, &mut vsock, &mut shell] {
        process.ready(LONG).unwrap();
    }
    println!("ready");
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::sleep(LONG);
    }
}

/// The number of a process.
fn id(process: &Process) -> u32 {
    let fd = std::os::fd::AsFd::as_fd(process).as_raw_fd();
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
    let number = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    number.unwrap().trim().parse().unwrap()
}

/// A descriptor of the process with that number.
fn watch(number: &str) -> OwnedFd {
    let pid = rustix::process::Pid::from_raw(number.parse().unwrap()).unwrap();
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap()
}

/// Kills a session with its processes just started (`ready`: all confined) and sees them go.
fn kill_session(ready: bool) {
    use std::io::{BufRead, BufReader, Write};
    let folder = tempfile::tempdir().unwrap();
    let mut session = std::process::Command::new("/proc/self/exe")
        .env(SESSION, folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(session.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let mut watched: Vec<OwnedFd> = line.split_whitespace().map(watch).collect();
    assert_eq!(watched.len(), 3, "{line}");
    let shell = line.split_whitespace().next_back().unwrap().to_owned();
    if ready {
        session.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        line.clear();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        // The first process of a namespace is a child of the one that was started.
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        watched.extend(children.unwrap().split_whitespace().map(watch));
        assert_eq!(watched.len(), 4);
    }
    session.kill().unwrap();
    session.wait().unwrap();
    let bound = rustix::time::Timespec { tv_sec: 60, tv_nsec: 0 };
    for process in &watched {
        let mut polled = [rustix::event::PollFd::new(process, rustix::event::PollFlags::IN)];
        assert_eq!(rustix::event::poll(&mut polled, Some(&bound)).unwrap(), 1, "it lives on");
    }
}

#[test]
fn a_session_killed_while_its_processes_start_leaves_none() {
    for _ in 0..8 {
        kill_session(false);
    }
}

#[test]
fn a_killed_session_leaves_no_process() {
    for _ in 0..3 {
        kill_session(true);
    }
}

fn folder(path: &std::path::Path) -> OwnedFd {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).unwrap()
}

fn share(path: &std::path::Path) -> FsArgs {
    FsArgs { dir: folder(path), tag: "work".into(), read_only: false }
}

fn channel() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

/// Both processes, ready, with the frontends' ends.
fn pair(path: &std::path::Path) -> (Process, UnixStream, Process, UnixStream) {
    let (mut fs, fs_socket) = spawn_fs(share(path)).unwrap();
    let (theirs, _ours) = channel();
    let args = VsockArgs { guest_cid: 3, ports: vec![(1024, theirs)] };
    let (mut vsock, vsock_socket) = spawn_vsock(args).unwrap();
    fs.ready(LONG).unwrap();
    vsock.ready(LONG).unwrap();
    (fs, fs_socket, vsock, vsock_socket)
}

#[test]
fn processes_become_ready_and_say_how_they_are_confined() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fs, _fs_socket) = spawn_fs(share(folder.path())).unwrap();
    let report = fs.ready(LONG).unwrap();
    assert_eq!(report.role, confine::Role::Fs);
    assert!(report.state(confine::LayerName::Capabilities).unwrap().is_active());
    assert_eq!(fs.try_status(), None);
}

#[test]
fn a_process_ends_when_the_monitor_closes_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fs, fs_socket, mut vsock, vsock_socket) = pair(folder.path());
    drop((fs_socket, vsock_socket));
    assert_eq!(fs.wait_for(LONG), Some(Status::Exited(0)), "{:?}", fs.last_words());
    assert_eq!(vsock.wait_for(LONG), Some(Status::Exited(0)), "{:?}", vsock.last_words());
}

#[test]
fn a_killed_process_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fs, _socket) = spawn_fs(share(folder.path())).unwrap();
    fs.ready(LONG).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(id(&fs)).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let mut polled = [rustix::event::PollFd::new(&fs, rustix::event::PollFlags::IN)];
    let bound = rustix::time::Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut polled, Some(&bound)).unwrap(), 1);
    assert_eq!(fs.try_status(), Some(Status::Killed(libc::SIGKILL)));
}

#[test]
fn a_process_that_cannot_work_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut args = share(folder.path());
    args.tag = "x".repeat(1000);
    let (mut fs, _socket) = spawn_fs(args).unwrap();
    let error = fs.ready(LONG).unwrap_err();
    let text = crate::error::line(&error);
    assert!(text.starts_with("the fs process: the device could not be made: "), "{text}");
    assert_eq!(fs.wait_for(LONG), Some(Status::Exited(1)));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let args = QemuArgs { program: "/usr/bin/no-such-program".into(), argv: vec![], fds: vec![] };
    let mut qemu = spawn_qemu(args).unwrap();
    let text = match qemu.ready(LONG) {
        Err(error) => error.to_string(),
        // It was ready to be executed; the rest comes after.
        Ok(_) => {
            qemu.wait_for(LONG).unwrap();
            qemu.last_words().unwrap()
        }
    };
    assert!(text.contains("cannot execute /usr/bin/no-such-program"), "{text}");
}

#[test]
fn a_program_runs_with_its_descriptors_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given");
    std::fs::write(&path, "given").unwrap();
    let file = OwnedFd::from(std::fs::File::open(&path).unwrap());
    let number = file.as_raw_fd();
    // A shell stands in for QEMU and says what it can do.
    let text = format!(
        "read given < /proc/self/fd/{number}
         (: < {path}) && path=escaped
         (: < /etc/passwd) && passwd=escaped
         (: > /usr/written) && written=escaped
         kill -9 -1 && signal=escaped
         echo \"$given:$path:$passwd:$written:$signal:$$:\" >&2",
        path = path.display()
    );
    let arguments = ["-c".into(), text.into()].into_iter();
    let mut shell = qemu::spawn_program("/usr/bin/sh".into(), arguments, vec![file]).unwrap();
    shell.ready(LONG).unwrap();
    let status = shell.wait_for(LONG).unwrap();
    let said = shell.last_words().unwrap();
    assert_eq!(said, "given:::::1:");
    assert_eq!(status, Status::Exited(0), "{said:?}");
}

#[test]
fn dropping_kills_and_leaves_no_zombie() {
    let folder = tempfile::tempdir().unwrap();
    let (fs, _socket) = spawn_fs(share(folder.path())).unwrap();
    let path = format!("/proc/{}", id(&fs));
    assert!(std::path::Path::new(&path).exists());
    drop(fs);
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn nobody_else_starts_a_process() {
    let output = std::process::Command::new("/proc/self/exe").args([MARK, "77"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("@failed this is an internal command of qvm"), "{said}");
    assert!(!output.status.success());
}
