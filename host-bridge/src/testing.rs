//! A bridge on a thread, with a supplier and a server that tests play.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};

use crate::link::{Entry, Failure, State, Status, Supplier, serve};
use crate::{Bridge, Config, Limits};

/// So that a test that fails does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn packet_pair() -> (OwnedFd, OwnedFd) {
    crate::pair().unwrap()
}

/// Limits for tests: pings often, waits not long.
pub(crate) fn limits() -> Limits {
    Limits {
        patience: Duration::from_millis(20),
        ping: Duration::from_millis(20),
        retry: Duration::from_millis(10),
        ..Limits::default()
    }
}

pub(crate) fn status(state: State) -> Status {
    Status { state, model: "qwen".into(), name: "Qwen".into(), context: Some(4096) }
}

/// A supplier whose state tests set, and whose connections they serve.
pub(crate) struct Fake {
    pub state: Mutex<State>,
    pub changed: Condvar,
    pub failure: Mutex<Option<Failure>>,
    servers: Mutex<Sender<UnixStream>>,
}

impl Fake {
    pub(crate) fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }
}

impl Supplier for Fake {
    fn connect(&self, wait: bool) -> Result<OwnedFd, Failure> {
        if let Some(failure) = self.failure.lock().unwrap().clone() {
            return Err(failure);
        }
        let mut state = self.state.lock().unwrap();
        while *state != State::Running {
            if !wait {
                return Err(Failure::Loading);
            }
            state = self.changed.wait_timeout(state, PATIENCE).unwrap().0;
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = self.servers.lock().unwrap().send(ours);
        Ok(theirs.into())
    }

    fn switch(&self, model: &str) -> Result<Status, Failure> {
        match model {
            "qwen" => Ok(status(State::Running)),
            "busy" => Err(Failure::Busy),
            other => Err(Failure::Unknown(other.into())),
        }
    }

    fn models(&self) -> Vec<Entry> {
        let context = Some(4096);
        vec![Entry { id: "qwen".into(), name: "Qwen".into(), context, active: true }]
    }

    fn status(&self) -> Status {
        status(*self.state.lock().unwrap())
    }
}

pub(crate) struct Rig {
    pub fake: Arc<Fake>,
    model: Option<OwnedFd>,
    switch: Option<OwnedFd>,
    servers: Receiver<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Rig {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_log(limits, None)
    }

    pub(crate) fn with_log(limits: Limits, log: Option<File>) -> Self {
        let (model, bridge_model) = packet_pair();
        let (switch, bridge_switch) = packet_pair();
        let (link, bridge_link) = packet_pair();
        let (sender, servers) = channel();
        let fake = Arc::new(Fake {
            state: Mutex::new(State::Running),
            changed: Condvar::new(),
            failure: Mutex::new(None),
            servers: Mutex::new(sender),
        });
        let supplier: Arc<dyn Supplier> = fake.clone();
        std::thread::spawn(move || serve(link, supplier));
        let thread = std::thread::spawn(move || {
            let config = Config {
                model: bridge_model,
                switch: bridge_switch,
                accept: Box::new(crate::link::accept_for_tests),
                link: bridge_link,
                log,
                limits,
            };
            Bridge::new(config).unwrap().run().unwrap();
        });
        Self { fake, model: Some(model), switch: Some(switch), servers, thread: Some(thread) }
    }

    /// A connection of the guest to the model port.
    pub(crate) fn guest(&self) -> Guest {
        Guest::new(self.model.as_ref().unwrap())
    }

    /// The same to the switch port.
    pub(crate) fn switch(&self) -> Guest {
        Guest::new(self.switch.as_ref().unwrap())
    }

    /// The next connection to the server.
    pub(crate) fn server(&self) -> Guest {
        let stream = self.servers.recv_timeout(PATIENCE).expect("no connection to the server");
        Guest { stream: BufReader::new(stream) }
    }

    /// Nobody has connected to the server.
    pub(crate) fn untouched(&self) -> bool {
        self.servers.try_recv().is_err()
    }

    /// Sends a request on a connection of its own and gives the whole response.
    pub(crate) fn ask(&self, request: &str) -> Response {
        self.guest().ask(request)
    }

    /// Closes the channels; the bridge must end.
    pub(crate) fn end(mut self) {
        self.model = None;
        self.switch = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Response {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Either end of an HTTP connection, spoken by hand.
pub(crate) struct Guest {
    pub stream: BufReader<UnixStream>,
}

impl Guest {
    fn new(channel: &OwnedFd) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        ours.set_write_timeout(Some(PATIENCE)).unwrap();
        let descriptors = [theirs.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(channel, &[IoSlice::new(&[0; 8])], &mut control, crate::sys::SEND).unwrap();
        Self { stream: BufReader::new(ours) }
    }

    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        self.stream.get_ref().write_all(bytes.as_ref()).unwrap();
    }

    /// Closes the writing side.
    pub(crate) fn half_close(&self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    pub(crate) fn ask(mut self, request: &str) -> Response {
        self.send(request);
        self.response()
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// First line and headers.
    pub(crate) fn head(&mut self) -> (String, BTreeMap<String, String>) {
        let first = self.line();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.into());
        }
        (first, headers)
    }

    pub(crate) fn response(&mut self) -> Response {
        let (first, headers) = self.head();
        let status = first.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {first:?}"));
        let body = self.body(&headers);
        Response { status, headers, body }
    }

    /// A request as the server gets it.
    pub(crate) fn request(&mut self) -> (String, BTreeMap<String, String>, String) {
        let (first, headers) = self.head();
        let body = self.body(&headers);
        (first, headers, body)
    }

    fn body(&mut self, headers: &BTreeMap<String, String>) -> String {
        if headers.get("transfer-encoding").is_some_and(|t| t == "chunked") {
            let mut body = String::new();
            while let Some(chunk) = self.chunk() {
                body.push_str(&chunk);
            }
            return body;
        }
        let length = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    /// The next chunk of a response; nothing for the last one, a panic for a response cut off.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let length = self.line();
        let length = usize::from_str_radix(&length, 16).unwrap_or_else(|_| panic!("{length:?}"));
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk).unwrap();
        self.line();
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// The other side has closed, after perhaps some bytes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(e) => panic!("not closed: {e}"),
        }
        String::from_utf8_lossy(&rest).into()
    }
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// A response of the server's.
pub(crate) fn reply(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The head of a stream of the server's; chunks follow.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

pub(crate) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
