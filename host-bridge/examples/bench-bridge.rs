//! What the filter costs: the same request to a server straight over its socket and through the
//! bridge, in turns.
//!
//! ```text
//! bench-bridge tokens SOCKET COUNT RUNS   tokens/s of a llama-server that listens at SOCKET
//! bench-bridge events COUNT RUNS          µs that events of a server in here are under way
//! ```
//!
//! Both print one line per run, `DIRECT BRIDGED`; tokens/s are followed by the share of the
//! server's own rate in that very run, `DIRECT BRIDGED` too, which the machine's load changes little. The bridge is on a thread of its own, without
//! its sandbox, and without a guest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a measurement that cannot go on ends"
)]

use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use host_bridge::link::{Entry, Failure, State, Status, Supplier, serve};
use host_bridge::{Bridge, Config, Limits};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Since when times are told.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Between two events: longer than any way takes, shorter than a token of a quick model.
const PACE: Duration = Duration::from_millis(1);

fn main() {
    LazyLock::force(&START);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["tokens", socket, count, runs] => {
            let ways = Ways::new(socket.into());
            for _ in 0..runs.parse().unwrap() {
                let (direct, bridged) = ways.both(|stream| tokens(stream, count.parse().unwrap()));
                let share = |rates: (f64, f64)| rates.0 / rates.1;
                let shares = (share(direct), share(bridged));
                println!("{:.2} {:.2} {:.5} {:.5}", direct.0, bridged.0, shares.0, shares.1);
            }
        }
        ["events", count, runs] => {
            let directory = tempfile::tempdir().unwrap();
            let socket = directory.path().join("server.sock");
            scripted(&socket, count.parse().unwrap());
            let ways = Ways::new(socket);
            for _ in 0..runs.parse().unwrap() {
                let (direct, bridged) = ways.both(events);
                println!("{direct:.2} {bridged:.2}");
            }
        }
        _ => panic!("bench-bridge tokens SOCKET COUNT RUNS | events COUNT RUNS"),
    }
}

/// The two ways to a server.
struct Ways {
    server: PathBuf,
    /// Where a guest's connections go to the bridge.
    guest: OwnedFd,
    /// Kept, since the bridge ends with it.
    _switch: OwnedFd,
}

impl Ways {
    fn new(server: PathBuf) -> Self {
        let ((guest, model), (switch_guest, switch)) = (pair(), pair());
        let (link, supplied) = pair();
        let supplier = Arc::new(Fixed(server.clone()));
        std::thread::spawn(move || serve(supplied, supplier));
        std::thread::spawn(move || {
            let accept = Box::new(accept);
            let limits = Limits::default();
            Bridge::new(Config { model, switch, accept, link, log: None, limits })
                .unwrap()
                .run()
                .unwrap();
        });
        Self { server, guest, _switch: switch_guest }
    }

    /// Measures both, one after the other.
    fn both<T>(&self, measure: impl Fn(UnixStream) -> T) -> (T, T) {
        let direct = measure(UnixStream::connect(&self.server).unwrap());
        let (ours, theirs) = UnixStream::pair().unwrap();
        hand_over(self.guest.as_fd(), &theirs);
        drop(theirs);
        (direct, measure(ours))
    }
}

/// A server that is always there.
struct Fixed(PathBuf);

impl Supplier for Fixed {
    fn connect(&self, _wait: bool) -> Result<OwnedFd, Failure> {
        UnixStream::connect(&self.0).map(OwnedFd::from).map_err(|e| Failure::Down(e.to_string()))
    }

    fn switch(&self, _model: &str) -> Result<Status, Failure> {
        Err(Failure::Busy)
    }

    fn models(&self) -> Vec<Entry> {
        Vec::new()
    }

    fn status(&self) -> Status {
        let name = "bench".to_string();
        Status { state: State::Running, model: name.clone(), name, context: None }
    }
}

fn pair() -> (OwnedFd, OwnedFd) {
    host_bridge::pair().unwrap()
}

/// As the vsock device does.
fn hand_over(channel: BorrowedFd<'_>, stream: &UnixStream) {
    let streams = [stream.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&streams)));
    sendmsg(channel, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
}

fn accept(channel: BorrowedFd<'_>) -> io::Result<Option<UnixStream>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    recvmsg(channel, &mut parts, &mut control, RecvFlags::empty())?;
    let stream = control.drain().find_map(|part| match part {
        RecvAncillaryMessage::ScmRights(mut streams) => streams.next(),
        _ => None,
    });
    Ok(stream.map(UnixStream::from))
}

fn post(stream: &mut UnixStream, path: &str, body: &str) {
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

/// Calls `each` with the data of every event of a stream, until it says that this was the last.
fn stream(stream: UnixStream, mut each: impl FnMut(&str) -> bool) {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "the server answers: {line}");
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the stream broke off");
        // Whatever chunks it comes in, an event of ours is a line.
        if line.strip_prefix("data: ").is_some_and(|data| each(data.trim_end())) {
            return;
        }
    }
}

/// Tokens per second, from the first to the last, as seen here and by the server.
fn tokens(mut connection: UnixStream, count: u64) -> (f64, f64) {
    let body = format!(
        "{{\"prompt\":\"Once upon a time\",\"n_predict\":{count},\"stream\":true,\
         \"ignore_eos\":true,\"temperature\":0,\"cache_prompt\":false}}"
    );
    post(&mut connection, "/completion", &body);
    let (mut first, mut last, mut events) = (None, Instant::now(), 0_u64);
    let mut served = None;
    stream(connection, |data| {
        last = Instant::now();
        first.get_or_insert(last);
        events += 1;
        served = data.split("\"predicted_per_second\":").nth(1).and_then(|rest| {
            let end = rest.find([',', '}'])?;
            rest[..end].parse::<f64>().ok()
        });
        data.contains("\"stop\":true")
    });
    let seen = (events - 1) as f64 / (last - first.unwrap()).as_secs_f64();
    (seen, served.expect("the server says how fast it was"))
}

/// The median time under way of an event, in microseconds.
fn events(mut connection: UnixStream) -> f64 {
    let body = "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true}";
    post(&mut connection, "/v1/chat/completions", body);
    let mut times = Vec::new();
    stream(connection, |data| {
        let now = START.elapsed();
        let sent = data.split("\"t\":").nth(1).and_then(|rest| rest.split(',').next());
        let Some(sent) = sent else { return true };
        times.push(now - Duration::from_nanos(sent.parse().unwrap()));
        false
    });
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// A server that answers everything with `count` events, each with the time of its sending.
fn scripted(socket: &Path, count: u32) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A client that has what it wants may be gone.
            std::thread::spawn(move || answer(stream, count));
        }
    });
}

fn answer(mut stream: UnixStream, count: u32) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        io::copy(&mut lines.by_ref().take(length), &mut io::sink())?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        for _ in 0..count {
            std::thread::sleep(PACE);
            let now = START.elapsed().as_nanos();
            let event = "\"object\":\"chat.completion.chunk\",\"choices\":[]";
            chunk(&mut stream, &format!("data: {{\"t\":{now},{event}}}\n\n"))?;
        }
        chunk(&mut stream, "data: [DONE]\n\n")?;
        stream.write_all(b"0\r\n\r\n")?;
    }
}

fn chunk(stream: &mut UnixStream, text: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}
