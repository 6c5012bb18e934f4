#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use crate::fuzzing::fuzz_guest_json;

const WHOLE: &str = r#"{
  "path": "/run/wrappers/bin:/run/current-system/sw/bin",
  "shell": "/run/current-system/sw/bin/bash",
  "env": {"NIX_PATH": "nixpkgs=flake:nixpkgs", "EMPTY": ""},
  "links": {"/run/current-system": "/nix/store/0-nixos-system"},
  "activate": ["/nix/store/1-activate", "", "x"],
  "systemd": "/nix/store/2-systemd/lib/systemd/systemd"
}"#;

fn refused(text: &str) -> String {
    ImageConfig::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn each_field_is_read_and_may_be_missing() {
    let config = ImageConfig::parse(WHOLE.as_bytes()).unwrap();
    assert_eq!(config.path.as_deref(), Some("/run/wrappers/bin:/run/current-system/sw/bin"));
    assert_eq!(config.shell.as_deref(), Some("/run/current-system/sw/bin/bash"));
    assert_eq!(config.env["NIX_PATH"], "nixpkgs=flake:nixpkgs");
    assert_eq!(config.links["/run/current-system"], "/nix/store/0-nixos-system");
    assert_eq!(config.activate, ["/nix/store/1-activate", "", "x"]);
    assert_eq!(config.systemd.as_deref(), Some("/nix/store/2-systemd/lib/systemd/systemd"));
    assert_eq!(ImageConfig::parse(b"{}").unwrap(), ImageConfig::default());
}

#[test]
fn errors_name_the_field_in_one_short_line() {
    for (text, words) in [
        (r#"{"shel": "/bin/sh"}"#, "shel"),
        (r#"{"shell": "bash"}"#, r#"shell has "bash""#),
        (r#"{"shell": ""}"#, "shell"),
        (r#"{"systemd": "a\u0000"}"#, "systemd"),
        (r#"{"path": ""}"#, "path"),
        (r#"{"activate": ["activate"]}"#, "activate"),
        (r#"{"activate": ["/a", "\u0000"]}"#, "activate"),
        (r#"{"env": {"A=B": "c"}}"#, "A=B"),
        (r#"{"env": {"": "c"}}"#, "env"),
        (r#"{"env": {"A": "\u0000"}}"#, "env"),
        (r#"{"links": {"/run/a": ""}}"#, "links"),
        ("", "no JSON object"),
        ("{", "EOF"),
        ("[]", "no JSON object"),
    ] {
        let said = refused(text);
        assert!(said.contains(words) && !said.contains('\n'), "{text}: {said}");
    }
    let long = format!(r#"{{"{}": 1}}"#, "x".repeat(60_000));
    assert!(refused(&long).len() < 200);
}

#[test]
fn links_are_below_run_and_nowhere_else() {
    for link in ["/run", "/run/", "/run//a", "/run/../etc", "/run/a/.", "/usr/bin/env", "run/a", ""]
    {
        let text = serde_json::json!({ "links": { link: "/x" } }).to_string();
        assert!(refused(&text).contains("below /run"), "{link}");
    }
    assert!(ImageConfig::parse(br#"{"links": {"/run/a/b": "../x"}}"#).is_ok());
}

#[test]
fn the_length_is_bounded() {
    let mut bytes = b"{}".to_vec();
    bytes.resize(MAX_IMAGE_CONFIG, b' ');
    assert!(ImageConfig::parse(&bytes).is_ok());
    bytes.push(b' ');
    assert!(matches!(ImageConfig::parse(&bytes), Err(ImageConfigError::TooLong)));
    // A parser that follows every bracket would run out of its stack.
    let deep = "[".repeat(MAX_IMAGE_CONFIG);
    assert!(ImageConfig::parse(deep.as_bytes()).is_err());
}

#[test]
fn arbitrary_and_damaged_files_are_refused_or_hold() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    fuzz_guest_json(WHOLE.as_bytes());
    for round in 0..6000 {
        let mut bytes = if round % 3 == 0 {
            (0..random() % 64).map(|_| random() as u8).collect()
        } else {
            WHOLE.as_bytes().to_vec()
        };
        for _ in 0..random() % 5 {
            if bytes.is_empty() {
                break;
            }
            let place = random() as usize % bytes.len();
            bytes[place] = random() as u8;
        }
        fuzz_guest_json(&bytes);
    }
}
