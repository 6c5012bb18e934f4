//! The engine natively, with the host's part played over Unix sockets.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;

use agent_protocol::{
    CommandSpec, FromCommand, ImageConfig, Opening, SpawnFailure, StreamKind, TerminalSize,
    ToCommand, read_frame, write_frame,
};

use super::plan::Environment;
use super::run::{Engine, Surroundings};
use crate::account::Account;
use crate::reap::Reaper;
use crate::sys::socket::{Dial, Socket};

/// Hands the host's end of every connection to the test.
struct Dialer(Mutex<mpsc::Sender<UnixStream>>);

impl Dial for Dialer {
    fn dial(&self, _port: u32) -> io::Result<Socket> {
        let (agent, host) = UnixStream::pair()?;
        self.0.lock().unwrap().send(host).map_err(|_| io::ErrorKind::ConnectionReset)?;
        Ok(OwnedFd::from(agent).into())
    }
}

/// Notes what the engine asks for.
#[derive(Default)]
struct Around(Mutex<Vec<&'static str>>);

impl Surroundings for Around {
    fn cgroup(&self, _id: u32, _account: &Account) -> Option<OwnedFd> {
        None
    }
    fn kill(&self, _id: u32) {}
    fn left(&self, _id: u32) {}
    fn end_processes(&self) {
        self.0.lock().unwrap().push("processes");
    }
    fn end_shares(&self) {
        self.0.lock().unwrap().push("shares");
    }
}

/// One command, seen from the host.
struct Run {
    streams: Vec<(StreamKind, UnixStream)>,
    connection: UnixStream,
    around: Arc<Around>,
}

fn spec(argv: &[&str]) -> CommandSpec {
    CommandSpec {
        argv: argv.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
        env: vec![],
        cwd: b"/".to_vec(),
        terminal: None,
        // Stays who the tests run as.
        as_root: true,
        main: false,
    }
}

fn shell(script: &str) -> CommandSpec {
    spec(&["/bin/sh", "-c", script])
}

fn terminal(script: &str) -> CommandSpec {
    CommandSpec { terminal: Some(TerminalSize { rows: 24, columns: 80 }), ..shell(script) }
}

fn run(spec: CommandSpec) -> Run {
    static REAPER: OnceLock<Arc<Reaper>> = OnceLock::new();
    let (sender, dialed) = mpsc::channel();
    let around = Arc::new(Around::default());
    let root = Account::root("/bin/sh");
    let engine = Arc::new(Engine {
        dialer: Arc::new(Dialer(Mutex::new(sender))),
        reaper: Arc::clone(REAPER.get_or_init(|| Reaper::start().unwrap())),
        caller: Account { uid: 12345, gid: 12345, name: "me".into(), ..root.clone() },
        root,
        environment: Environment::from(&ImageConfig::default()),
        around: Arc::clone(&around) as _,
    });
    engine.spawn(3, [5; 16], spec);
    let mut streams = Vec::new();
    loop {
        let host = dialed.recv().unwrap();
        match read_frame(&host).unwrap() {
            Opening::Stream { id: 3, token, kind } if token == [5; 16] => {
                streams.push((kind, host))
            }
            Opening::Command { id: 3, token } if token == [5; 16] => {
                return Run { streams, connection: host, around };
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Run {
    fn take(&mut self, kind: StreamKind) -> UnixStream {
        let place = self.streams.iter().position(|(known, _)| *known == kind).unwrap();
        self.streams.remove(place).1
    }

    fn next(&self) -> FromCommand {
        read_frame(&self.connection).unwrap()
    }

    fn started(&self) {
        assert!(matches!(self.next(), FromCommand::Started { started_nanos: 1.. }));
    }

    fn tell(&self, message: &ToCommand) {
        write_frame(&self.connection, message).unwrap();
    }

    /// Ends the input, reads both outputs to their end, then the report.
    fn finish(mut self) -> (String, String, FromCommand) {
        self.started();
        drop(self.take(StreamKind::Stdin));
        let (mut out, mut err) = (self.take(StreamKind::Stdout), self.take(StreamKind::Stderr));
        let errors = thread::spawn(move || text(&mut err));
        (text(&mut out), errors.join().unwrap(), self.next())
    }
}

fn text(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Reads until `mark` has come.
fn until(stream: &mut UnixStream, mark: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(mark) {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "{mark} not in {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn status_and_both_outputs_arrive() {
    let (out, err, end) = run(shell("echo out; echo err >&2; exit 7")).finish();
    assert_eq!((out.as_str(), err.as_str(), end), ("out\n", "err\n", FromCommand::Exited(7)));
}

#[test]
fn a_signal_is_reported_as_one() {
    let (_, _, end) = run(shell("kill -TERM $$")).finish();
    assert_eq!(end, FromCommand::Signaled(libc::SIGTERM));
}

#[test]
fn input_reaches_the_command_and_its_end_too() {
    let mut run = run(shell("cat; echo end"));
    let mut input = run.take(StreamKind::Stdin);
    let mut output = run.take(StreamKind::Stdout);
    run.started();
    let sent = vec![b'x'; 3 << 20];
    let copy = sent.clone();
    let writer = thread::spawn(move || input.write_all(&copy).unwrap());
    let mut received = Vec::new();
    output.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(received.strip_suffix(b"end\n") == Some(sent.as_slice()));
    assert_eq!(run.next(), FromCommand::Exited(0));
}

#[test]
fn programs_that_cannot_run_are_told_apart() {
    let failure = |spec| match run(spec).next() {
        FromCommand::Failed { reason, errno } => (reason, errno),
        other => panic!("{other:?}"),
    };
    assert_eq!(failure(spec(&["no-such-program"])), (SpawnFailure::NotFound, libc::ENOENT));
    assert_eq!(failure(spec(&["/none/x"])), (SpawnFailure::NotFound, libc::ENOENT));
    assert_eq!(failure(spec(&["/proc"])), (SpawnFailure::NotExecutable, libc::EACCES));
    assert_eq!(failure(spec(&["a\0b"])), (SpawnFailure::Other, libc::EINVAL));
    let mut elsewhere = shell("true");
    elsewhere.cwd = b"/none".to_vec();
    assert_eq!(failure(elsewhere), (SpawnFailure::WorkingDirectory, libc::ENOENT));
}

#[test]
fn the_command_leads_a_session_and_nothing_is_blocked_or_ignored() {
    let script =
        "cut -d' ' -f5,6 /proc/$$/stat; echo $$ $$; grep -E '^Sig(Ign|Blk):' /proc/self/status";
    let (out, err, _) = run(shell(script)).finish();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], lines[1]);
    for line in &lines[2..] {
        let mask = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
        // Signals 32 and 33 belong to the C library, which lets nobody touch them.
        assert_eq!(mask & !(3 << 31), 0, "{line}");
    }
    assert_eq!(err, "");
}

#[test]
fn no_descriptor_of_the_agent_reaches_the_command() {
    let (out, _, _) = run(spec(&["/bin/ls", "/proc/self/fd"])).finish();
    // The tests themselves may have been started with open descriptors.
    let inherited = |fd: &str| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("02000000");
        i64::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 == 0
    };
    for fd in out.lines() {
        assert!(matches!(fd, "0" | "1" | "2" | "3") || inherited(fd), "{fd} in {out}");
    }
}

#[test]
fn standard_input_can_be_opened_again() {
    let mut run = run(shell("cat /dev/stdin"));
    run.started();
    let mut input = run.take(StreamKind::Stdin);
    input.write_all(b"again").unwrap();
    drop(input);
    assert_eq!(text(&mut run.take(StreamKind::Stdout)), "again");
}

#[test]
fn signals_reach_the_whole_group_of_a_command_without_a_terminal() {
    let mut run = run(shell("sleep 1000 & trap 'kill $!; exit 3' INT; echo ready; wait; wait"));
    run.started();
    let mut output = run.take(StreamKind::Stdout);
    until(&mut output, "ready");
    run.tell(&ToCommand::Signal(libc::SIGINT));
    assert_eq!(run.next(), FromCommand::Exited(3));
}

#[test]
fn a_process_left_behind_does_not_hold_up_the_report() {
    let (out, _, end) = run(shell("sleep 20 & echo done")).finish();
    assert_eq!((out.as_str(), end), ("done\n", FromCommand::Exited(0)));
}

#[test]
fn the_end_of_the_main_command_ends_the_guest_before_it_is_reported() {
    let run = run(CommandSpec { main: true, ..shell("exit 4") });
    let around = Arc::clone(&run.around);
    let (_, _, end) = run.finish();
    assert_eq!(end, FromCommand::Exited(4));
    assert_eq!(*around.0.lock().unwrap(), ["processes", "shares"]);
}

#[test]
fn a_terminal_has_its_size_from_the_start_and_hears_of_a_new_one() {
    let mut run = run(terminal(
        "trap 'stty size; exit 5' WINCH; stty size; tty >/dev/null && echo ready; while :; do sleep 0.01; done",
    ));
    run.started();
    let mut screen = run.take(StreamKind::Terminal);
    assert!(until(&mut screen, "ready").starts_with("24 80\r\n"));
    run.tell(&ToCommand::Resize(TerminalSize { rows: 50, columns: 132 }));
    until(&mut screen, "50 132");
    assert_eq!(text(&mut screen), "\r\n");
    assert_eq!(run.next(), FromCommand::Exited(5));
}

#[test]
fn the_interrupt_key_ends_the_job_in_the_foreground_only() {
    // An interactive shell gives each job a process group of its own.
    let mut spec = terminal("");
    spec.argv = [b"/bin/sh".as_slice(), b"-i"].map(<[u8]>::to_vec).to_vec();
    spec.env = vec![(b"PS1".to_vec(), b"> ".to_vec()), (b"ENV".to_vec(), vec![])];
    let mut run = run(spec);
    run.started();
    let mut screen = run.take(StreamKind::Terminal);
    until(&mut screen, "> ");
    screen.write_all(b"echo go; sleep 1000\n").unwrap();
    until(&mut screen, "\ngo\r\n");
    thread::sleep(std::time::Duration::from_millis(100));
    screen.write_all(b"\x03").unwrap();
    until(&mut screen, "> ");
    screen.write_all(b"sleep 1000\n").unwrap();
    until(&mut screen, "1000\r\n");
    thread::sleep(std::time::Duration::from_millis(100));
    run.tell(&ToCommand::Signal(libc::SIGINT));
    until(&mut screen, "> ");
    screen.write_all(b"exit 6\n").unwrap();
    text(&mut screen);
    assert_eq!(run.next(), FromCommand::Exited(6));
}

#[test]
fn the_end_of_a_terminals_input_is_its_end_of_input_key() {
    let mut run = run(terminal("cat; echo over"));
    run.started();
    let mut screen = run.take(StreamKind::Terminal);
    screen.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(text(&mut screen).contains("over"));
    assert_eq!(run.next(), FromCommand::Exited(0));
}

#[test]
fn a_host_that_goes_away_hangs_up() {
    let mut run =
        run(shell("trap 'echo hung up; exit' HUP; echo ready; while :; do sleep 0.01; done"));
    run.started();
    let mut output = run.take(StreamKind::Stdout);
    until(&mut output, "ready\n");
    drop(run);
    assert_eq!(text(&mut output), "hung up\n");
}

#[test]
fn the_caller_is_not_root() {
    let mut run = run(CommandSpec {
        as_root: false,
        ..shell("id -u; id -G; grep CapEff /proc/self/status; cat /dev/stdin")
    });
    match run.next() {
        FromCommand::Started { .. } => {
            drop(run.take(StreamKind::Stdin));
            assert_eq!(
                text(&mut run.take(StreamKind::Stdout)),
                "12345\n12345\nCapEff:\t0000000000000000\n"
            );
            assert_eq!(run.next(), FromCommand::Exited(0));
        }
        // Without the right to become somebody else nothing may run as oneself instead.
        end => {
            assert_eq!(end, FromCommand::Failed { reason: SpawnFailure::Other, errno: libc::EPERM })
        }
    }
}

#[test]
fn several_commands_run_at_once() {
    let runs: Vec<Run> =
        (0..8).map(|number| run(shell(&format!("read x; exit {number}")))).collect();
    for (number, run) in (0..8).zip(runs).rev() {
        assert_eq!(run.finish().2, FromCommand::Exited(number));
    }
}
