//! The host's side of the agent's protocol.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use agent_protocol::{
    CommandSpec, FromCommand, Opening, StreamKind, ToAgent, read_frame, write_frame,
};
use virtio_devices::vsock::accept;

type Opened = (Opening, UnixStream);

pub struct Host {
    control: Mutex<mpsc::Receiver<UnixStream>>,
    waiting: Arc<Mutex<HashMap<u32, mpsc::Sender<Opened>>>>,
    next: AtomicU32,
}

/// A command that runs, with its connections.
pub struct Running {
    pub connection: UnixStream,
    streams: Vec<(StreamKind, UnixStream)>,
}

pub fn send<T: serde::Serialize>(to: &UnixStream, message: &T) {
    write_frame(to, message).unwrap();
}

pub fn receive<T: serde::de::DeserializeOwned>(from: &UnixStream) -> T {
    read_frame(from).unwrap()
}

impl Host {
    pub fn new(ports: OwnedFd) -> Self {
        let (controls, control) = mpsc::channel();
        let waiting: Arc<Mutex<HashMap<u32, mpsc::Sender<Opened>>>> = Arc::default();
        let table = Arc::clone(&waiting);
        thread::spawn(move || {
            while let Ok(Some((_, stream))) = accept(ports.as_fd()) {
                let opening: Opening = receive(&stream);
                let id = match &opening {
                    Opening::Control { .. } => {
                        controls.send(stream).unwrap();
                        continue;
                    }
                    Opening::Command { id, .. }
                    | Opening::Stream { id, .. }
                    | Opening::Dialed { id, .. } => *id,
                };
                table.lock().unwrap()[&id].send((opening, stream)).unwrap();
            }
        });
        Self { control: Mutex::new(control), waiting, next: AtomicU32::new(1) }
    }

    pub fn control(&self) -> UnixStream {
        self.control.lock().unwrap().recv().unwrap()
    }

    pub fn spawn(&self, control: &UnixStream, command: CommandSpec) -> Running {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let opened = self.expect(id);
        send(control, &ToAgent::Spawn { id, token: [7; 16], command });
        let mut streams = Vec::new();
        loop {
            match opened.recv().unwrap() {
                (Opening::Command { .. }, connection) => {
                    return Running { connection, streams };
                }
                (Opening::Stream { kind, .. }, stream) => streams.push((kind, stream)),
                (other, _) => panic!("{other:?}"),
            }
        }
    }

    /// Has the agent connect to `port` in the guest.
    pub fn dial(&self, control: &UnixStream, port: u16) -> UnixStream {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let opened = self.expect(id);
        send(control, &ToAgent::Dial { id, token: [7; 16], port });
        opened.recv().unwrap().1
    }

    fn expect(&self, id: u32) -> mpsc::Receiver<Opened> {
        let (opener, opened) = mpsc::channel();
        self.waiting.lock().unwrap().insert(id, opener);
        opened
    }
}

impl Running {
    pub fn take(&mut self, kind: StreamKind) -> UnixStream {
        let place = self.streams.iter().position(|(known, _)| *known == kind).unwrap();
        self.streams.remove(place).1
    }

    /// Sends `input`, reads both outputs to the end, then the report; the first number is when
    /// the command started, in nanoseconds.
    pub fn finish(mut self, input: &[u8]) -> (u64, Vec<u8>, Vec<u8>, FromCommand) {
        let started = match receive(&self.connection) {
            FromCommand::Started { started_nanos } => started_nanos,
            other => return (0, vec![], vec![], other),
        };
        let (mut stdin, mut stdout, mut stderr) = (
            self.take(StreamKind::Stdin),
            self.take(StreamKind::Stdout),
            self.take(StreamKind::Stderr),
        );
        thread::scope(|scope| {
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
            let errors = scope.spawn(move || all(&mut stderr));
            let output = all(&mut stdout);
            (started, output, errors.join().unwrap(), receive(&self.connection))
        })
    }
}

fn all(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Reads until `mark` has come.
pub fn until(stream: &mut UnixStream, mark: &str) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&bytes).contains(mark) {
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
