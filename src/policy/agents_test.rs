#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_list_none_and_the_default() {
    let names = |text: &str| text.parse::<Agents>().unwrap().names;
    assert_eq!(names("claude, llm"), ["claude", "llm"]);
    assert_eq!(names("none"), [""; 0]);
    assert_eq!(names(""), [""; 0]);
    assert!("none".parse::<Agents>().unwrap().asked);
    assert_eq!(Agents::default().names, ["claude"]);
}

#[test]
fn what_cannot_be_had_is_refused_at_once() {
    for text in ["claude,", "cladue", "gemini", "none,claude"] {
        assert!(text.parse::<Agents>().is_err(), "{text}");
    }
}
