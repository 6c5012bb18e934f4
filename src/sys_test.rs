#![allow(clippy::unwrap_used)]

use std::io::{Read, Seek, Write};

use super::*;

#[test]
fn a_file_without_a_name_keeps_what_is_written() {
    let mut file = memory_file("a test/of it").unwrap();
    file.write_all(b"text").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
}

#[test]
fn a_name_is_held_until_its_end() {
    let name = format!("test-{}", std::process::id());
    let missing = names::connect("qvm-test", &name).unwrap_err().kind();
    assert!([io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&missing));
    let (listener, held) = names::listen("qvm-test", &name).unwrap();
    let taken = names::listen("qvm-test", &name).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    assert!(same_user(&names::connect("qvm-test", &name).unwrap()).unwrap());
    assert!(!names::all("qvm-test").unwrap().is_empty());
    drop((listener, held));
    assert!(names::connect("qvm-test", &name).is_err());
    names::listen("qvm-test", &name).unwrap();
}

#[test]
fn random_bytes_differ() {
    let (mut one, mut other) = ([0; 300], [0; 300]);
    random(&mut one).unwrap();
    random(&mut other).unwrap();
    assert_ne!(one, other);
}
