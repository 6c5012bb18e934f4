#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn ids() {
    for id in ["a", "Qwen3.5-27B_Q8", "0", &"a".repeat(63)] {
        assert_eq!(id.parse::<Id>().unwrap().as_str(), id);
    }
    for id in ["", ".a", "-a", "_a", "a b", "a/b", "a\n", "é", &"a".repeat(64)] {
        assert!(id.parse::<Id>().is_err(), "{id:?}");
    }
}

#[test]
fn sampling_becomes_options_in_a_fixed_order() {
    let sampling = Sampling {
        temperature: Some(0.7),
        top_p: Some(0.8),
        top_k: Some(20),
        min_p: Some(0.0),
        presence_penalty: Some(-1.5),
        ..Sampling::default()
    };
    let wanted = [
        ("--temp", "0.7"),
        ("--top-p", "0.8"),
        ("--top-k", "20"),
        ("--min-p", "0"),
        ("--presence-penalty", "-1.5"),
    ];
    assert_eq!(
        sampling.arguments(),
        wanted.map(|(option, value)| (option.to_owned(), value.to_owned()))
    );
    assert_eq!(sampling.wrong(), None);
    for (wrong, key) in [
        (Sampling { top_p: Some(1.1), ..Sampling::default() }, "top_p"),
        (Sampling { temperature: Some(f64::INFINITY), ..Sampling::default() }, "temperature"),
        (Sampling { min_p: Some(f64::NAN), ..Sampling::default() }, "min_p"),
    ] {
        assert_eq!(wrong.wrong(), Some(key));
    }
}

#[test]
fn too_many_arguments_are_refused() {
    assert_eq!(check_args(&vec!["1".to_owned(); 129]), Err(FlagError::TooMany));
    assert_eq!(check_args(&vec!["1".to_owned(); 128]), Ok(()));
}
