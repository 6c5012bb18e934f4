#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

fn shell(script: &str) -> Command {
    let mut command = clean("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn both_outputs_are_seen_and_logged() {
    let dir = tempfile::tempdir().unwrap();
    let said = output("sh", &mut shell("echo one; echo two >&2"), dir.path()).unwrap();
    assert_eq!(said, "one\ntwo\n");
    run("sh", &mut shell("printf three"), dir.path()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("log")).unwrap(), "one\ntwo\nthree");
}

#[test]
fn the_failure_is_told_by_its_most_telling_line() {
    let dir = tempfile::tempdir().unwrap();
    let said = |script: &str| {
        let Err(ProgramError::Failed { said, source, .. }) =
            run("sh", &mut shell(script), dir.path())
        else {
            panic!("{script} did not fail");
        };
        (said, source.is_some())
    };
    let script = "echo '  CC      a.o'; echo 'a.c:1:2: error: no such thing'; echo 'make[1]: *** [a.o] Error 1'; echo; exit 2";
    assert_eq!(said(script), ("a.c:1:2: error: no such thing".to_owned(), false));
    let script = "echo '  CC      a.o'; echo 'make: *** No rule to make target'; echo last; exit 2";
    assert_eq!(said(script), ("make: *** No rule to make target".to_owned(), false));
    assert_eq!(said("echo first; echo last; exit 1"), ("last".to_owned(), false));
    assert_eq!(said("exit 1"), ("it said nothing".to_owned(), false));
    let script = "echo 'as: cannot write: No space left on device'; echo 'a.c: error: x'; exit 1";
    assert_eq!(said(script), ("a.c: error: x".to_owned(), true));
    assert_eq!(said("printf 'a\\033[2Jb\\n'; exit 1"), ("a[2Jb".to_owned(), false));
}

#[test]
fn what_cannot_be_started_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = run("no-such-program", &mut clean("no-such-program"), dir.path()).unwrap_err();
    assert_eq!(error.to_string(), "cannot run no-such-program");
}

#[test]
fn the_environment_says_little() {
    let dir = tempfile::tempdir().unwrap();
    let said = output("sh", &mut shell("env"), dir.path()).unwrap();
    let names = said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    for name in names {
        let own = ["PWD", "SHLVL", "_", "OLDPWD", "LC_ALL"];
        assert!(VARIABLES.contains(&name) || own.contains(&name), "{name}");
    }
}
