#![allow(clippy::unwrap_used)]

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::*;

fn joined(slots: &Slots) -> (UnixStream, UnixStream) {
    let (a, left) = UnixStream::pair().unwrap();
    let (b, right) = UnixStream::pair().unwrap();
    join(OwnedFd::from(a).into(), OwnedFd::from(b).into(), slots.take()).unwrap();
    (left, right)
}

#[test]
fn one_direction_ends_while_the_other_goes_on() {
    let slots = Slots::default();
    let (mut left, mut right) = joined(&slots);
    left.write_all(b"question").unwrap();
    left.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    right.read_to_string(&mut text).unwrap();
    assert_eq!(text, "question");
    right.write_all(b"answer").unwrap();
    drop(right);
    text.clear();
    left.read_to_string(&mut text).unwrap();
    assert_eq!(text, "answer");
}

#[test]
fn a_side_that_goes_away_takes_the_other_along() {
    let slots = Slots::default();
    let (mut left, right) = joined(&slots);
    drop(right);
    assert_eq!(left.read(&mut [0]).unwrap(), 0);
    let refused = (0..).find_map(|_| left.write_all(&[0; 4096]).err()).unwrap();
    // What was on its way decides between the two.
    assert!(matches!(refused.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset));
}

#[test]
fn slots_come_back() {
    let slots = Slots::default();
    for _ in 0..3 {
        let all: Vec<Slot> = (0..MOST).map(|_| slots.take()).collect();
        assert_eq!(*slots.0.0.lock().unwrap(), MOST);
        drop(all);
    }
    assert_eq!(*slots.0.0.lock().unwrap(), 0);
}
