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
fn the_caller_has_its_own_numbers() {
    let own = account();
    assert_eq!(own.uid, rustix::process::geteuid().as_raw());
    assert!(!own.name.is_empty() && !own.group.is_empty());
}
