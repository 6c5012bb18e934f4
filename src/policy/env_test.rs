#![allow(clippy::unwrap_used)]

use super::*;

fn pairs(list: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    list.iter().map(|(n, v)| (n.into(), v.into())).collect()
}

fn args(list: &[&str]) -> Vec<EnvArg> {
    list.iter().map(|t| variable(OsStr::new(t)).unwrap()).collect()
}

#[test]
fn only_the_allow_list_crosses_unasked() {
    let host = pairs(&[
        ("TERM", "xterm"),
        ("COLORTERM", "truecolor"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C"),
        ("TZ", "UTC"),
        ("PATH", "/bin"),
        ("HOME", "/root"),
        ("AWS_SECRET_ACCESS_KEY", "k"),
        ("LC_", "x"),
        ("TERMINFO", "x"),
        ("LANGUAGE", "de"),
        ("SSH_AUTH_SOCK", "s"),
        ("LD_PRELOAD", "x"),
        ("term", "x"),
        ("GITHUB_TOKEN", "t"),
    ]);
    let names: Vec<_> = build(&host, &[]).unwrap().into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["COLORTERM", "LANG", "LC_ALL", "TERM", "TZ"]);
}

#[test]
fn asked_variables_win_and_the_last_one_stays() {
    let host = pairs(&[("TERM", "xterm"), ("TOKEN", "secret")]);
    let built =
        build(&host, &args(&["TERM=dumb", "A=1", "A=2", "TOKEN", "EMPTY=", "X=a=b"])).unwrap();
    assert_eq!(
        built,
        pairs(&[("TERM", "dumb"), ("A", "2"), ("TOKEN", "secret"), ("EMPTY", ""), ("X", "a=b")])
    );
}

#[test]
fn a_bare_name_must_be_set_on_the_host() {
    assert_eq!(build(&[], &args(&["NOPE"])), Err(EnvError::Unset("NOPE".into())));
}

#[test]
fn a_name_is_needed() {
    for text in ["", "=", "=x"] {
        assert_eq!(variable(OsStr::new(text)), Err(EnvError::NoName), "{text}");
    }
}

#[test]
fn values_are_bytes() {
    let arg = variable(OsStr::from_bytes(b"A=\xff\xfe")).unwrap();
    assert_eq!(arg.value.unwrap().as_bytes(), b"\xff\xfe");
}
