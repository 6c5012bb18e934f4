#![allow(clippy::unwrap_used)]
use super::*;
use std::{thread::sleep, time::Duration};

fn console_after(bytes: &[u8]) -> Console {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let console = Console::follow(ours, false).unwrap();
    theirs.write_all(bytes).unwrap();
    drop(theirs);
    // The reader owns the last clone of the buffer's Arc until it sees the end.
    for _ in 0..500 {
        if Arc::strong_count(&console.kept) == 1 {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert_eq!(Arc::strong_count(&console.kept), 1, "the reader did not end");
    console
}

#[test]
fn keeps_the_last_lines_and_drops_empty_ones() {
    let console = console_after(b"one\r\n\r\ntwo\nthree\n");
    assert_eq!(console.tail(2), ["two", "three"]);
    assert_eq!(console.tail(9), ["one", "two", "three"]);
}

#[test]
fn escape_sequences_do_not_survive() {
    let console = console_after(b"a\x1b]52;c;evil\x07b\xff\n");
    assert_eq!(console.tail(1), ["a]52;c;evilb"]);
}

#[test]
fn a_flood_is_bounded() {
    let console = console_after(&b"0123456789\n".repeat(10_000));
    assert!(console.kept.lock().unwrap().len() <= KEPT);
    assert_eq!(console.tail(1), ["0123456789"]);
}

#[test]
fn notices_a_panic() {
    assert!(
        console_after(b"[1.0] Kernel panic - not syncing: Attempted to kill init!\n").panicked()
    );
    assert!(!console_after(b"all is well\n").panicked());
}

#[test]
fn a_panic_is_told_from_its_reason_on() {
    let mut text =
        "before\n".repeat(30) + "[1.0] Kernel panic - not syncing: sysrq triggered crash\n";
    text += &"trace\n".repeat(40);
    let told = console_after(text.as_bytes()).telling();
    assert_eq!(told.len(), TOLD);
    assert!(told[0].contains("sysrq triggered crash"));
    assert_eq!(console_after("line\n".repeat(30).as_bytes()).telling().len(), TOLD);
}
