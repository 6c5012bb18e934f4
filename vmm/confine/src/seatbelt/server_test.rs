#![allow(clippy::unwrap_used)]

use super::super::testing::{check, check_arguments, rules, starting, writing};
use super::*;

fn sample() -> Server {
    Server {
        program: "/opt/homebrew/Cellar/llama.cpp/1/bin/llama-server".into(),
        libraries: vec!["/opt/homebrew".into()],
        weights: vec!["/Users/u/x.gguf".into(), "/Users/u/v.gguf".into()],
        folder: "/private/tmp/qvm-1".into(),
        socket: "/private/tmp/qvm-1/m.sock".into(),
        metal: Some(Metal {
            temporary: "/private/var/folders/a/b/T".into(),
            cache: "/private/var/folders/a/b/C".into(),
        }),
    }
}

#[test]
fn everything_is_denied_but_what_is_listed() {
    let mut bare = sample();
    bare.metal = None;
    let rules = rules(&bare.profile());
    assert_eq!(rules[..2], ["(version 1)", "(deny default)"]);
    assert_eq!(
        rules[rules.len() - 6..],
        [
            "(deny file-write-setugid)",
            "(deny network*)",
            "(deny network-outbound)",
            "(allow system-socket (socket-domain AF_UNIX))",
            "(deny process-fork)",
            "(allow network-bind network-inbound (literal (param \"SOCKET\")) (local unix-socket \
             (subpath (param \"SOCKET\"))))",
        ]
    );
    let of = |start: &str| starting(&rules, start);
    assert_eq!(of("(allow process-exec"), ["(allow process-exec (literal (param \"PROGRAM\")))"]);
    assert!(of("(allow network-outbound").is_empty());
    assert!(of("(allow mach-lookup").is_empty() && of("(allow iokit").is_empty());
    assert_eq!(
        writing(&rules),
        [
            "(allow file-write-data (literal \"/dev/null\"))",
            "(allow file-write-data (literal \"/dev/stdout\") (literal \"/dev/stderr\"))",
            "(allow file-read* file-write* file-lock (subpath (param \"FOLDER\")))",
        ]
    );
}

#[test]
fn rules_say_what_they_allow_and_parameters_fit() {
    let sample = sample();
    check(&sample.profile(), &sample.parameters());
}

#[test]
fn a_path_cannot_add_rules() {
    let evil = "/Users/u/\")) (allow default) (allow file-read* (subpath \"/\\\n;#.gguf";
    let mut hostile = sample();
    hostile.weights = vec![evil.into(), "/Users/u/v.gguf".into()];
    assert_eq!(hostile.profile(), sample().profile());
    let arguments = hostile.arguments().unwrap();
    check_arguments(&arguments, &format!("WEIGHTS0={evil}"), &hostile.profile());
}

#[test]
fn paths_that_are_not_real_or_contradict_are_refused() {
    type Change = fn(&mut Server);
    let changes: [Change; 10] = [
        |s| s.program = "llama-server".into(),
        |s| s.libraries = vec!["/".into()],
        |s| s.weights = vec!["/Users/u/../x.gguf".into()],
        |s| s.weights = vec!["/Users/u/a\0b".into()],
        |s| s.weights = vec!["/private/tmp/qvm-1/x.gguf".into()],
        |s| s.socket = "/private/tmp/other/m.sock".into(),
        |s| s.socket = s.folder.clone(),
        |s| s.folder = "/Users/u".into(),
        // There are the sockets of other processes too.
        |s| s.metal.as_mut().unwrap().temporary = "/private/tmp".into(),
        |s| s.metal.as_mut().unwrap().cache = s.folder.clone(),
    ];
    assert!(sample().arguments().is_ok());
    for (index, change) in changes.iter().enumerate() {
        let mut changed = sample();
        change(&mut changed);
        assert!(changed.arguments().is_err(), "change {index}");
    }
}
