#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn names() {
    for good in ["a", "0", "web-1", "a_b.c", &"x".repeat(63)] {
        assert_eq!(check(good).unwrap(), good);
    }
    for bad in ["", "-a", ".a", "_a", "a b", "a/b", "..", "ä", "a\n", &"x".repeat(64)] {
        assert_eq!(check(bad), Err(NameError), "{bad}");
    }
}

#[test]
fn generated_names_are_names_and_differ() {
    let one = generate().unwrap();
    assert_eq!(check(&one).unwrap(), one);
    assert_ne!((one, generate().unwrap()), (generate().unwrap(), generate().unwrap()));
}
