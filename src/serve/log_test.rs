#![allow(clippy::unwrap_used)]

use std::{fs::File, io::Write, time::Duration};

use super::*;

#[test]
fn the_first_line_about_an_error_explains_the_end() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let log = Log::default();
    log.follow(reader, false).unwrap();
    let mut writer = File::from(writer);
    write!(writer, "loading\n\x1b[31merror: bad magic\nfailed to load\nexiting").unwrap();
    drop(writer);
    log.wait_for_end(Duration::from_secs(60));
    assert_eq!(log.lines().len(), 4);
    let told = log.telling().unwrap();
    assert!(told.contains("error: bad magic") && !told.contains('\x1b'), "{told}");
}

#[test]
fn without_an_error_the_last_line_does() {
    let log = Log::default();
    assert_eq!(log.telling(), None);
    log.said().lines.extend(["one".to_owned(), "two".to_owned()]);
    assert_eq!(log.telling().unwrap(), "two");
}
