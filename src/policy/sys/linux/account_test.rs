#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn root_is_known() {
    let (name, home) = user(0).unwrap();
    assert_eq!(name, "root");
    assert!(home.unwrap().is_absolute());
    assert_eq!(group(0).unwrap(), "root");
}

#[test]
fn an_unknown_number_has_no_entry() {
    assert_eq!(user(3_999_999_999), None);
    assert_eq!(group(3_999_999_999), None);
}

#[test]
fn entries_are_found_by_their_third_field() {
    let text = b"# 7:x:7:\n+a:x:7:7::/no:\n:x:7:7::/no:\nshort:7\nb:x:70:7::/no:/bin/sh\n\xff:x:7:8:g:/home/\xff:/bin/sh\nlater:x:7:::\n";
    let found = find(text.as_slice(), 7).unwrap().unwrap();
    assert_eq!(found[0], b"\xff");
    assert_eq!(found[5], b"/home/\xff");
    assert_eq!(find(text.as_slice(), 8).unwrap(), None);
    assert_eq!(find(b"".as_slice(), 0).unwrap(), None);
}
