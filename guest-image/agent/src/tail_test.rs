#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Write;

use rustix::pipe::{PipeFlags, pipe_with};

use super::*;

#[test]
fn the_last_lines_come_as_one_without_colours() {
    assert_eq!(one_line("a\nb\n\n  c \r\nd\n"), "b / c / d");
    assert_eq!(one_line("\u{1b}[1;31mred\u{1b}[0m\u{1b}c\u{7} end\u{1b}["), "red end");
    assert_eq!(one_line("\n\n"), "");
}

#[test]
fn much_is_read_and_little_kept() {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let tail = Tail::follow(read).unwrap();
    let mut write = File::from(write);
    for number in 0..100_000 {
        writeln!(write, "line {number}").unwrap();
    }
    drop(write);
    let mut said = tail.0.lock();
    while !said.over {
        said = tail.0.changed.wait(said).unwrap();
    }
    assert!(said.bytes.len() <= KEPT);
    drop(said);
    assert_eq!(tail.last(), "the last said: line 99997 / line 99998 / line 99999");
}

#[test]
fn a_program_that_says_nothing_is_quoted_with_nothing() {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    drop(write);
    assert_eq!(Tail::follow(read).unwrap().last(), "nothing was said");
}
