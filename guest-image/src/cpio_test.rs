#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::parse_cpio;

#[test]
fn what_is_written_can_be_read() {
    let mut archive = Archive::new();
    archive.directory("dev", 0o755).unwrap();
    archive.character_device("dev/console", 0o600, 5, 1).unwrap();
    archive.file("init", 0o755, b"#!/bin/sh\n").unwrap();
    archive.file("empty", 0o644, b"").unwrap();
    let bytes = archive.finish().unwrap();
    assert_eq!(bytes.len() % 512, 0);
    let entries = parse_cpio(&bytes).unwrap();
    let seen: Vec<_> =
        entries.iter().map(|e| (e.name.as_str(), e.mode, e.content.as_slice())).collect();
    assert_eq!(
        seen,
        [
            ("dev", 0o040_755, &b""[..]),
            ("dev/console", 0o020_600, b""),
            ("init", 0o100_755, b"#!/bin/sh\n"),
            ("empty", 0o100_644, b""),
        ]
    );
    assert_eq!((entries[1].major, entries[1].minor), (5, 1));
}

#[test]
fn a_zero_byte_in_a_name_is_refused() {
    assert!(matches!(Archive::new().file("a\0b", 0o644, b""), Err(CpioError::Name)));
}
