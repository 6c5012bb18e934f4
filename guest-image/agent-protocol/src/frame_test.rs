#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use crate::fuzzing::fuzz_frames;
use crate::*;

fn config() -> GuestConfig {
    GuestConfig {
        version: VERSION,
        hostname: "box".into(),
        user: User {
            name: "me".into(),
            uid: 1000,
            gid: 1000,
            group: "me".into(),
            home: b"/home/me".to_vec(),
        },
        shares: vec![Share {
            tag: WORKSPACE_TAG.into(),
            path: b"/home/me/\xff".to_vec(),
            read_only: true,
        }],
        unix_nanos: u64::MAX,
        forwards: vec![Forward { tcp_port: 8080, vsock_port: 9 }],
        modules: vec!["kvm-amd".into()],
        files: Vec::new(),
    }
}

fn to_agent() -> Vec<ToAgent> {
    let command = CommandSpec {
        argv: vec![b"sh".to_vec(), vec![], b"\xfe\n".to_vec()],
        env: vec![(b"A".to_vec(), b"b=c".to_vec())],
        cwd: b"/".to_vec(),
        terminal: Some(TerminalSize { rows: 24, columns: u16::MAX }),
        as_root: false,
        main: true,
    };
    vec![
        ToAgent::Configure(config()),
        ToAgent::Spawn { id: 7, token: [9; 16], command },
        ToAgent::SetTime { unix_nanos: 1 },
        ToAgent::Dial { id: 1, token: [1; 16], port: 80 },
        ToAgent::Shutdown,
    ]
}

fn frame<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, message).unwrap();
    bytes
}

/// Hands out one byte at a time, and the first time only an interruption.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !std::mem::replace(&mut self.1, true) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1);
        (&mut self.0).read(&mut buffer[..length])
    }
}

#[test]
fn messages_come_back_one_by_one_and_not_a_byte_is_read_past_them() {
    let messages = to_agent();
    let mut bytes: Vec<u8> = messages.iter().flat_map(frame).collect();
    bytes.push(42);
    let mut rest = bytes.as_slice();
    for message in &messages {
        assert_eq!(&read_frame::<ToAgent>(&mut rest).unwrap(), message);
    }
    assert_eq!(rest, [42]);
}

#[test]
fn a_reader_that_gives_single_bytes_and_is_interrupted_will_do() {
    for message in to_agent() {
        assert_eq!(read_frame::<ToAgent>(Slow(&frame(&message), false)).unwrap(), message);
    }
}

#[test]
fn the_end_between_frames_differs_from_the_end_within_one() {
    assert!(matches!(read_frame::<ToAgent>([].as_slice()), Err(FrameError::Closed)));
    let bytes = frame(&ToAgent::Configure(config()));
    for length in 1..bytes.len() {
        let error = read_frame::<ToAgent>(&bytes[..length]).unwrap_err();
        assert!(
            matches!(&error, FrameError::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_length_over_the_limit_is_refused_before_its_bytes_are_read() {
    let length = (MAX_FRAME as u32 + 1).to_le_bytes();
    let mut bytes = [length.as_slice(), &[0; 8]].concat();
    let mut rest = bytes.as_slice();
    assert!(
        matches!(read_frame::<ToAgent>(&mut rest), Err(FrameError::TooLong(n)) if n == MAX_FRAME + 1)
    );
    assert_eq!(rest.len(), 8);
    bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read_frame::<ToAgent>(bytes.as_slice()), Err(FrameError::TooLong(_))));
}

#[test]
fn a_message_over_the_limit_is_not_written() {
    let mut bytes = Vec::new();
    let long = FromAgent::Fatal("x".repeat(MAX_FRAME));
    assert!(matches!(write_frame(&mut bytes, &long), Err(FrameError::TooLong(_))));
    assert!(bytes.is_empty());
}

#[test]
fn bytes_left_over_in_a_frame_and_unknown_variants_are_malformed() {
    let mut bytes = frame(&ToAgent::Shutdown);
    bytes.push(0);
    bytes[0] += 1;
    assert!(matches!(read_frame::<ToAgent>(bytes.as_slice()), Err(FrameError::Malformed(_))));
    assert!(matches!(
        read_frame::<ToAgent>([1, 0, 0, 0, 200].as_slice()),
        Err(FrameError::Malformed(_))
    ));
    assert!(matches!(
        read_frame::<ToAgent>([0, 0, 0, 0].as_slice()),
        Err(FrameError::Malformed(_))
    ));
}

#[test]
fn a_length_inside_a_message_cannot_make_the_reader_allocate_more_than_arrived() {
    // A vector of arguments that claims 2^32 - 1 elements in a frame of a few bytes.
    let mut body = vec![1, 7];
    body.extend([9; 16]);
    body.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let bytes = [&(body.len() as u32).to_le_bytes()[..], &body].concat();
    assert!(matches!(read_frame::<ToAgent>(bytes.as_slice()), Err(FrameError::Malformed(_))));
}

#[test]
fn arbitrary_and_damaged_frames_are_refused_or_survive_the_wire() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let valid: Vec<Vec<u8>> =
        to_agent().iter().map(frame).chain([frame(&FromCommand::Exited(3))]).collect();
    for round in 0..6000 {
        let mut bytes: Vec<u8> = if round % 3 == 0 {
            let body: Vec<u8> = (0..random() % 64).map(|_| random() as u8).collect();
            [&(body.len() as u32).to_le_bytes()[..], &body].concat()
        } else {
            valid[random() as usize % valid.len()].clone()
        };
        for _ in 0..random() % 4 {
            let place = random() as usize % bytes.len();
            bytes[place] = random() as u8;
        }
        bytes.truncate(bytes.len() - random() as usize % 2);
        fuzz_frames(&bytes);
    }
}
