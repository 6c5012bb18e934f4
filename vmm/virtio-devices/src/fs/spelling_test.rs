#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use super::*;

#[test]
fn only_the_case_of_ascii_letters_makes_another_name() {
    assert!(differs_in_case(b"readme", b"README"));
    assert!(differs_in_case(b".GIT", b".git"));
    for (asked, stored) in [
        ("README", "README"),
        // Another name of the same file.
        ("a", "b"),
        // One letter, composed and decomposed.
        ("\u{e9}", "e\u{301}"),
        ("\u{e9}", "\u{c9}"),
        ("", ""),
    ] {
        assert!(!differs_in_case(asked.as_bytes(), stored.as_bytes()), "{asked} {stored}");
    }
    assert!(has_case(b"1.txt") && !has_case(b"1_2.3") && !has_case("\u{e9}".as_bytes()));
}

fn answer(length: u32, offset: i32, name_length: u32, rest: &[u8]) -> Vec<u8> {
    let mut answer = length.to_ne_bytes().to_vec();
    answer.extend(offset.to_ne_bytes());
    answer.extend(name_length.to_ne_bytes());
    answer.extend(rest);
    answer
}

#[test]
fn the_name_is_where_the_answer_says() {
    // As XNU packs it: the name right behind the reference, filled up to a multiple of four.
    let good = answer(20, 8, 7, b"README\0\0and more");
    assert_eq!(name_in_answer(&good), Some(&b"README"[..]));
    assert_eq!(name_in_answer(&answer(12 + 1, 8, 1, b"\0")), Some(&b""[..]));
}

#[test]
fn answers_that_are_none() {
    for bad in [
        answer(20, 8, 7, b"README"),
        answer(19, 8, 8, b"README\0\0"),
        answer(20, -8, 7, b"README\0\0"),
        answer(20, i32::MAX, 7, b"README\0\0"),
        answer(20, 8, u32::MAX, b"README\0\0"),
        answer(u32::MAX, 8, 7, b"README\0\0"),
        answer(20, 8, 0, b"README\0\0"),
        answer(20, 8, 6, b"README\0\0"),
    ] {
        assert_eq!(name_in_answer(&bad), None, "{bad:?}");
    }
    let good = answer(20, 8, 7, b"README\0\0");
    for length in 0..good.len() {
        assert_eq!(name_in_answer(&good[..length]), None);
    }
}
