#![allow(clippy::unwrap_used)]

use super::*;

fn hear(said: &[u8]) -> Words {
    let (mut words, theirs) = Words::pipe().unwrap();
    let _ = rustix::io::write(&theirs, said).unwrap();
    drop(theirs);
    words.listen();
    words
}

#[test]
fn ready_and_failed_are_told_apart_from_noise() {
    let mut words = hear(b"noise\n@ready {}\nmore\n@failed it: broke\n");
    assert_eq!(words.ready.as_deref(), Some("{}"));
    assert_eq!(words.last().as_deref(), Some("it: broke"));
    assert!(words.over);
}

#[test]
fn a_panic_is_told_with_its_text() {
    let mut words =
        hear(b"\nthread 'fs' panicked at a.rs:1:2:\nboom\nnote: run with RUST_BACKTRACE\n");
    assert_eq!(words.last().as_deref(), Some("thread 'fs' panicked at a.rs:1:2: boom"));
}

#[test]
fn a_terminal_is_not_driven() {
    let mut words = hear(b"\x1b[2Jclear\n");
    assert!(!words.last().unwrap().contains('\x1b'));
}

#[test]
fn a_flood_is_cut() {
    let mut words = hear(&[b'x'; 60_000]);
    assert_eq!(words.last().unwrap().len(), LINE);
    let mut words = hear(&b"line\n".repeat(10_000));
    assert_eq!(words.kept.len(), LINES);
    assert_eq!(words.last().as_deref(), Some("line"));
}

#[test]
fn silence_says_nothing() {
    assert_eq!(hear(b"").last(), None);
    assert_eq!(hear(b"\n\n").last(), None);
}
