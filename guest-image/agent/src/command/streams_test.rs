#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, pipe_with};

use super::*;

fn pair() -> (Socket, UnixStream) {
    let (agent, host) = UnixStream::pair().unwrap();
    (Socket::from(OwnedFd::from(agent)), host)
}

fn pipe() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC).unwrap()
}

fn read_all(mut host: UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    host.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Runs [`output`] on a thread; what it tells comes through the channel.
fn start_output(
    from: OwnedFd,
    to_the_end: bool,
) -> (Arc<Flag>, UnixStream, mpsc::Receiver<Progress>) {
    let (agent, host) = pair();
    let ended = Arc::new(Flag::new().unwrap());
    let flag = Arc::clone(&ended);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        output(from, &agent, &flag, to_the_end, |step| {
            let _ = tell.send(step);
        })
    });
    (ended, host, told)
}

#[test]
fn output_passes_everything_on_and_then_the_end() {
    let (read, write) = pipe();
    let (_ended, host, told) = start_output(read, false);
    let sent: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let copy = sent.clone();
    thread::spawn(move || std::fs::File::from(write).write_all(&copy).unwrap());
    assert!(read_all(host) == sent);
    assert_eq!(told.iter().collect::<Vec<_>>(), [Progress::Done]);
}

#[test]
fn what_is_in_the_pipe_when_the_command_ends_is_not_lost() {
    let (read, write) = pipe();
    rustix::io::write(&write, b"last words").unwrap();
    let (ended, host, told) = start_output(read, false);
    ended.raise();
    assert_eq!(read_all(host), b"last words");
    assert_eq!(told.recv().unwrap(), Progress::Silent);
    assert_eq!(told.recv().unwrap(), Progress::Done);
    // Somebody who was left behind can still write.
    for _ in 0..3 {
        rustix::io::write(&write, b"ignored").unwrap();
    }
    drop(write);
    assert!(told.recv().is_err());
}

#[test]
fn to_the_end_means_also_after_a_silence() {
    let (read, write) = pipe();
    let (ended, host, told) = start_output(read, true);
    ended.raise();
    assert_eq!(told.recv().unwrap(), Progress::Silent);
    rustix::io::write(&write, b"late").unwrap();
    drop(write);
    assert_eq!(read_all(host), b"late");
    assert_eq!(told.recv().unwrap(), Progress::Done);
}

#[test]
fn a_host_that_wants_no_more_closes_the_pipe() {
    let (read, write) = pipe();
    let (_ended, host, told) = start_output(read, false);
    drop(host);
    let refused = (0..).find_map(|_| rustix::io::write(&write, &[0; 4096]).err());
    assert_eq!(refused, Some(Errno::PIPE));
    assert_eq!(told.recv().unwrap(), Progress::Done);
}

/// Runs [`input`] into a pipe; the receiver hears when it returns.
fn start_input() -> (Arc<Flag>, UnixStream, OwnedFd, mpsc::Receiver<()>) {
    let (agent, host) = pair();
    let (read, write) = pipe();
    rustix::fs::fcntl_setfl(&write, OFlags::NONBLOCK).unwrap();
    let ended = Arc::new(Flag::new().unwrap());
    let flag = Arc::clone(&ended);
    let (done, returned) = mpsc::channel();
    thread::spawn(move || {
        input(&agent, Sink::Pipe(write), &flag);
        drop(agent);
        done.send(()).unwrap();
    });
    (ended, host, read, returned)
}

#[test]
fn input_passes_everything_on_though_the_pipe_is_small_and_then_closes_it() {
    let (_ended, mut host, read, returned) = start_input();
    let sent: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let copy = sent.clone();
    thread::spawn(move || host.write_all(&copy).unwrap());
    let mut received = Vec::new();
    std::fs::File::from(read).read_to_end(&mut received).unwrap();
    assert!(received == sent);
    returned.recv().unwrap();
}

#[test]
fn input_ends_when_nobody_reads_it_even_if_nothing_is_sent() {
    let (_ended, mut host, read, returned) = start_input();
    drop(read);
    returned.recv().unwrap();
    assert_eq!(host.read(&mut [0]).unwrap(), 0);
}

#[test]
fn input_ends_with_the_command_even_if_a_full_pipe_stays_open() {
    let (ended, mut host, _read, returned) = start_input();
    let full = thread::spawn(move || host.write_all(&vec![0; 4 << 20]));
    ended.raise();
    returned.recv().unwrap();
    assert!(full.join().unwrap().is_err());
}
