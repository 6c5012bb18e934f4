#![allow(clippy::unwrap_used)]

use super::*;

fn sample() -> Seatbelt {
    Seatbelt {
        program: "/opt/homebrew/bin/qvm".into(),
        folders: vec![
            Folder { path: "/Users/u/project".into(), read_only: false },
            Folder { path: "/Users/u/reference".into(), read_only: true },
        ],
        given: vec!["/Users/u/Library/Caches/qvm/root.erofs".into()],
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
    let rules = rules(&sample().profile());
    assert_eq!(rules[..2], ["(version 1)", "(deny default)"]);
    assert_eq!(
        rules[rules.len() - 5..],
        [
            "(deny file-write-setugid)",
            "(deny network*)",
            "(deny network-outbound)",
            "(allow system-socket (socket-domain AF_UNIX))",
            "(deny process-fork)",
        ]
    );
    let of =
        |start: &str| rules.iter().filter(|r| r.starts_with(start)).cloned().collect::<Vec<_>>();
    assert_eq!(of("(allow process-exec"), ["(allow process-exec (literal (param \"PROGRAM\")))"]);
    for none in ["network", "mach", "iokit", "ipc", "process-fork", "file-issue", "default"] {
        assert!(of(&format!("(allow {none}")).is_empty(), "{none}");
    }
    let writes: Vec<_> =
        rules.iter().filter(|r| r.starts_with("(allow") && r.contains("write")).collect();
    assert_eq!(
        writes,
        [
            "(allow file-write-data (literal \"/dev/null\"))",
            "(allow file-read* file-write* file-lock (subpath (param \"FOLDER0\")))",
        ]
    );
    assert_eq!(
        of("(allow file-read* (subpath (param"),
        ["(allow file-read* (subpath (param \"FOLDER1\")))"],
        "a read-only folder is read"
    );
}

#[test]
fn a_process_with_descriptors_only_gets_no_folder() {
    let bare = Seatbelt { folders: Vec::new(), given: Vec::new(), ..sample() };
    let text = bare.profile();
    assert!(!text.contains("FOLDER") && !text.contains("GIVEN"));
    assert_eq!(bare.arguments().unwrap().len(), 4);
}

#[test]
fn no_rule_allows_without_saying_what() {
    for rule in rules(&sample().profile()) {
        if rule.starts_with("(allow ") {
            assert!(rule[1..].contains('('), "{rule}");
        }
        for wide in ["(subpath \"/\")", "\"/Users\"", "\"/private\"", "regex", " tcp", "local ip"] {
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
    let evil = "/Users/u/\")) (allow default) (allow file-read* (subpath \"/\\\n;#=x";
    let mut hostile = sample();
    hostile.folders[0].path = evil.into();
    hostile.given[0] = evil.into();
    assert_eq!(hostile.profile(), sample().profile());
    let arguments = hostile.arguments().unwrap();
    assert!(arguments.contains(&OsString::from(format!("FOLDER0={evil}"))));
    let (parameters, profile) = arguments.split_at(arguments.len() - 2);
    assert!(profile[0] == "-p" && profile[1].to_str() == Some(hostile.profile().as_str()));
    // Before it there are pairs of -D and NAME=PATH only.
    assert!(parameters.chunks(2).all(|pair| pair[0] == "-D" && pair.len() == 2));
}

#[test]
fn paths_that_are_not_real_are_refused() {
    for bad in ["", "qvm", "/", "/Users/u/../x", "/Users/u/a\0b", "./x"] {
        let changes: [fn(&mut Seatbelt, PathBuf); 3] = [
            |s, path| s.program = path,
            |s, path| s.folders[1].path = path,
            |s, path| s.given[0] = path,
        ];
        for change in changes {
            let mut changed = sample();
            change(&mut changed, bad.into());
            assert_eq!(changed.arguments(), Err(SeatbeltError::Path(bad.into())), "{bad:?}");
        }
    }
}
