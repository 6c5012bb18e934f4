#![allow(clippy::unwrap_used)]
use super::*;

/// Each opcode with a fixed part before its first name.
const NAMED: &[(Opcode, usize)] = &[
    (Opcode::Lookup, 0),
    (Opcode::Symlink, 0),
    (Opcode::Mknod, 16),
    (Opcode::Mkdir, 8),
    (Opcode::Unlink, 0),
    (Opcode::Rmdir, 0),
    (Opcode::Rename, 8),
    (Opcode::Rename2, 16),
    (Opcode::Link, 8),
    (Opcode::Create, 16),
];

#[test]
fn no_operation_takes_a_name_that_is_no_component() {
    for (opcode, fixed) in NAMED {
        for bad in [&b".."[..], b".", b"", b"/etc/passwd", b"a/../../b", b"a/"] {
            let mut body = vec![0; *fixed];
            body.extend_from_slice(bad);
            body.extend_from_slice(b"\0good\0");
            assert_eq!(decode(*opcode, &body).unwrap_err(), Errno::INVAL, "{opcode:?} {bad:?}");
        }
        let mut long = vec![0; *fixed];
        long.extend_from_slice(&[b'x'; 256]);
        long.extend_from_slice(b"\0good\0");
        assert_eq!(decode(*opcode, &long).unwrap_err(), Errno::NAMETOOLONG);
        let mut good = vec![0; *fixed];
        good.extend_from_slice(b"good\0also good\0");
        assert!(decode(*opcode, &good).is_ok(), "{opcode:?}");
    }
}

#[test]
fn the_second_name_of_a_rename_is_checked_too() {
    for (opcode, fixed) in [(Opcode::Rename, 8), (Opcode::Rename2, 16)] {
        let mut body = vec![0; fixed];
        body.extend_from_slice(b"good\0../out\0");
        assert_eq!(decode(opcode, &body).unwrap_err(), Errno::INVAL);
    }
}

#[test]
fn every_cut_of_a_request_is_an_error_or_a_shorter_request() {
    let mut body = vec![1_u8; 120];
    body.extend_from_slice(b"name\0other\0");
    for opcode in Opcode::ALL {
        for length in 0..body.len() {
            let _ = decode(*opcode, body.get(..length).unwrap());
        }
    }
    for (opcode, fixed) in NAMED {
        let mut body = vec![0; *fixed];
        body.extend_from_slice(b"no zero at the end");
        assert_eq!(decode(*opcode, &body).unwrap_err(), Errno::INVAL);
    }
}

#[test]
fn an_attribute_ends_where_its_size_says_and_within_the_request() {
    let mut body = vec![5, 0, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(b"user.a\0hello!");
    let Operation::Setxattr(_, name, value) = decode(Opcode::Setxattr, &body).unwrap() else {
        unreachable!()
    };
    assert_eq!((name.as_c_str(), value), (c"user.a", &b"hello"[..]));
    body.truncate(8 + 7 + 4);
    assert_eq!(decode(Opcode::Setxattr, &body).unwrap_err(), Errno::INVAL);
}

#[test]
fn an_init_without_its_second_half_is_fine() {
    assert!(matches!(
        decode(Opcode::Init, &[7; 16]),
        Ok(Operation::Init(_, wire::InitMoreIn { flags2: 0, .. }))
    ));
    assert_eq!(decode(Opcode::Init, &[7; 15]).unwrap_err(), Errno::INVAL);
}
