#![allow(clippy::unwrap_used)]

use super::super::testing::{check, check_arguments, rules, starting, writing};
use super::*;

fn sample() -> Machine {
    Machine {
        program: "/opt/homebrew/bin/qvm".into(),
        folders: vec![
            Folder { path: "/Users/u/project".into(), read_only: false },
            Folder { path: "/Users/u/reference".into(), read_only: true },
        ],
        given: vec!["/Users/u/Library/Caches/qvm/root.erofs".into()],
    }
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
    let of = |start: &str| starting(&rules, start);
    assert_eq!(of("(allow process-exec"), ["(allow process-exec (literal (param \"PROGRAM\")))"]);
    for none in ["network", "mach", "iokit", "ipc", "process-fork", "file-issue", "default"] {
        assert!(of(&format!("(allow {none}")).is_empty(), "{none}");
    }
    assert_eq!(
        writing(&rules),
        [
            "(allow file-write-data (literal \"/dev/null\"))",
            "(allow file-read* file-test-existence file-write* file-link file-lock (subpath (param \
             \"FOLDER0\")))",
        ]
    );
    assert_eq!(
        of("(allow file-read* file-test-existence file-lock"),
        ["(allow file-read* file-test-existence file-lock (subpath (param \"FOLDER1\")))"],
        "a read-only folder is read and locked"
    );
}

#[test]
fn a_process_with_descriptors_only_gets_no_folder() {
    let bare = Machine { folders: Vec::new(), given: Vec::new(), ..sample() };
    let text = bare.profile();
    assert!(!text.contains("FOLDER") && !text.contains("GIVEN"));
    assert_eq!(bare.arguments().unwrap().len(), 4);
}

#[test]
fn rules_say_what_they_allow_and_parameters_fit() {
    let sample = sample();
    check(&sample.profile(), &sample.parameters());
}

#[test]
fn a_path_cannot_add_rules() {
    let evil = "/Users/u/\")) (allow default) (allow file-read* (subpath \"/\\\n;#=x";
    let mut hostile = sample();
    hostile.folders[0].path = evil.into();
    hostile.given[0] = evil.into();
    assert_eq!(hostile.profile(), sample().profile());
    let arguments = hostile.arguments().unwrap();
    check_arguments(&arguments, &format!("FOLDER0={evil}"), &hostile.profile());
}

#[test]
fn paths_that_are_not_real_are_refused() {
    for bad in ["", "qvm", "/", "/Users/u/../x", "/Users/u/a\0b", "./x"] {
        let changes: [fn(&mut Machine, PathBuf); 3] = [
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
