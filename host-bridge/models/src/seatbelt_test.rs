#![allow(clippy::unwrap_used)]

use super::*;

fn sample() -> Seatbelt {
    Seatbelt {
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

/// The rules of a profile, each as words; fails where brackets or quotes do not match.
fn rules(profile: &str) -> Vec<String> {
    let (mut rules, mut rule, mut depth, mut quoted) = (Vec::new(), String::new(), 0u32, false);
    for c in profile.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.checked_sub(1).unwrap(),
            '\\' | ';' | '#' => panic!("{c:?} in a profile"),
            _ => {}
        }
        if depth > 0 || c == ')' {
            rule.push(c);
        }
        if depth == 0 && !rule.is_empty() {
            rules.push(rule.split_whitespace().collect::<Vec<_>>().join(" "));
            rule.clear();
        }
    }
    assert!(depth == 0 && !quoted && rule.is_empty());
    rules
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
            "(deny network*)",
            "(deny network-outbound)",
            "(allow system-socket (socket-domain AF_UNIX))",
            "(allow network-bind (literal (param \"SOCKET\")))",
            "(allow network-inbound (literal (param \"SOCKET\")))",
            "(deny process-fork)",
        ]
    );
    let of =
        |start: &str| rules.iter().filter(|r| r.starts_with(start)).cloned().collect::<Vec<_>>();
    assert_eq!(of("(allow process-exec"), ["(allow process-exec (literal (param \"PROGRAM\")))"]);
    assert!(of("(allow network-outbound").is_empty());
    assert!(of("(allow mach-lookup").is_empty() && of("(allow iokit").is_empty());
    let writes: Vec<_> = rules.iter().filter(|r| r.contains("write")).cloned().collect();
    assert_eq!(
        writes,
        [
            "(allow file-write-data (literal \"/dev/null\") (literal \"/dev/stdout\") (literal \
             \"/dev/stderr\"))",
            "(allow file-read* file-write* file-lock (subpath (param \"FOLDER\")))",
        ]
    );
}

#[test]
fn no_rule_allows_without_saying_what() {
    for rule in rules(&sample().profile()) {
        if rule.starts_with("(allow ") {
            assert!(rule[1..].contains('('), "{rule}");
        }
        for wide in [
            "(subpath \"/\")",
            "\"/Users\"",
            "\"/private\"",
            "regex",
            "\"/private/var/folders\"",
            " tcp",
            "local ip",
        ] {
            assert!(!rule.contains(wide), "{rule}");
        }
    }
}

#[test]
fn every_parameter_is_given_and_every_given_one_is_used() {
    let sample = sample();
    let profile = sample.profile();
    let names: Vec<_> = sample.parameters().into_iter().map(|(name, _)| name).collect();
    for name in &names {
        assert!(profile.contains(&format!("(param \"{name}\")")), "{name}");
    }
    for used in profile.split("(param \"").skip(1) {
        let name = used.split('"').next().unwrap();
        assert!(names.iter().any(|n| n == name), "{name}");
    }
}

#[test]
fn a_path_cannot_add_rules() {
    let evil = "/Users/u/\")) (allow default) (allow file-read* (subpath \"/\\\n;#.gguf";
    let mut hostile = sample();
    hostile.weights = vec![evil.into(), "/Users/u/v.gguf".into()];
    assert_eq!(hostile.profile(), sample().profile());
    let arguments = hostile.arguments(&["/x".into()]).unwrap();
    assert!(arguments.contains(&OsString::from(format!("WEIGHTS0={evil}"))));
    let at = arguments.iter().position(|a| a == "-p").unwrap();
    assert_eq!(arguments[at + 1].to_str(), Some(hostile.profile().as_str()));
    assert_eq!(arguments[at + 2..], ["/x"]);
    // Before it there are pairs of -D and NAME=PATH only.
    assert!(arguments[..at].chunks(2).all(|pair| pair[0] == "-D" && pair.len() == 2));
}

#[test]
fn paths_that_are_not_real_or_contradict_are_refused() {
    type Change = fn(&mut Seatbelt);
    let changes: [Change; 8] = [
        |s| s.program = "llama-server".into(),
        |s| s.libraries = vec!["/".into()],
        |s| s.weights = vec!["/Users/u/../x.gguf".into()],
        |s| s.weights = vec!["/Users/u/a\0b".into()],
        |s| s.weights = vec!["/private/tmp/qvm-1/x.gguf".into()],
        |s| s.socket = "/private/tmp/other/m.sock".into(),
        |s| s.socket = s.folder.clone(),
        |s| s.folder = "/Users/u".into(),
    ];
    assert!(sample().arguments(&[]).is_ok());
    for (index, change) in changes.iter().enumerate() {
        let mut changed = sample();
        change(&mut changed);
        assert!(changed.arguments(&[]).is_err(), "change {index}");
    }
}
