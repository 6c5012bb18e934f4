#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use super::*;

#[test]
fn descriptors_arrive_with_their_bytes() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut near, far) = UnixStream::pair().unwrap();
    send(&ours, b"x", &[far.as_fd(), near.as_fd()]).unwrap();
    let mut buffer = [0; 8];
    let (count, mut descriptors) = receive(&theirs, &mut buffer).unwrap();
    assert_eq!((count, buffer[0], descriptors.len()), (1, b'x', 2));
    let mut passed = UnixStream::from(descriptors.remove(0));
    passed.write_all(b"y").unwrap();
    near.read_exact(&mut buffer[..1]).unwrap();
    assert_eq!(buffer[0], b'y');
}

#[test]
fn the_end_is_no_bytes_and_nobody_there_no_signal() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert_eq!(receive(&ours, &mut [0; 1]).unwrap().0, 0);
    assert_eq!(send(&ours, b"x", &[]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn more_than_fit_are_refused() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let many = [ours.as_fd(); MOST + 1];
    assert_eq!(send(&ours, b"x", &many).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

/// What macOS needs, where the two functions are called.
#[test]
fn a_sender_waits_until_descriptors_have_arrived() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut near, far) = UnixStream::pair().unwrap();
    let receiver = std::thread::spawn(move || {
        let (_, descriptors) = receive(&theirs, &mut [0]).unwrap();
        arrived(&theirs);
        // What is said next is not taken for it.
        send(&theirs, b"next", &[]).unwrap();
        UnixStream::from(descriptors.into_iter().next().unwrap()).write_all(b"y").unwrap();
        theirs
    });
    send(&ours, b"x", &[far.as_fd()]).unwrap();
    arrival(&ours).unwrap();
    let mut buffer = [0; 4];
    (&ours).read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"next");
    near.read_exact(&mut buffer[..1]).unwrap();
    assert_eq!(buffer[0], b'y');
    drop(receiver.join().unwrap());
    arrival(&ours).unwrap();
}
