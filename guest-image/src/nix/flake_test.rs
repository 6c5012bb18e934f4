#![allow(clippy::unwrap_used)]

use super::*;
use crate::nix::tests::nix;

fn flake(text: &str) -> Flake {
    text.parse().unwrap()
}

#[test]
fn they_are_written_as_nix_writes_them() {
    assert_eq!(flake("").to_string(), ".");
    assert_eq!(flake("#x").or_name("y").to_string(), ".#x");
    assert_eq!(flake("github:o/r").or_name("y").to_string(), "github:o/r#y");
    for text in ["--impure", "-x#y", "a\nb", "\u{1b}[2J"] {
        assert!(text.parse::<Flake>().is_err(), "{text:?}");
    }
}

#[test]
fn relative_ones_become_absolute() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    std::fs::create_dir(top.join("x")).unwrap();
    let at = |text: &str| flake(text).absolute(&top).to_string();
    assert_eq!(at(".#y"), format!("{}#y", top.display()));
    assert_eq!(at("./x"), format!("{}/x", top.display()));
    assert_eq!(flake("..").absolute(&top.join("x")).to_string(), top.display().to_string());
    assert_eq!(at("nixpkgs#y"), "nixpkgs#y");
    assert_eq!(at("/a"), "/a");
    assert!(flake("./x").is_relative() && flake(".#y").is_relative() && !flake("/x").is_relative());
}

#[test]
fn the_state_is_the_tree_and_its_inputs_but_not_when_it_was_touched() {
    let state = |text: &str| state(serde_json::from_str(text).unwrap());
    let first = r#"{"path":"/nix/store/a-source","locked":{"lastModified":1},"locks":{}}"#;
    let later = r#"{"path":"/nix/store/a-source","locked":{"lastModified":2},"locks":{}}"#;
    assert!(state(first).is_some());
    assert_eq!(state(first), state(later));
    for other in [
        r#"{"path":"/nix/store/b-source","locked":{},"locks":{}}"#,
        r#"{"path":"/nix/store/a-source","locked":{},"locks":{"x":1}}"#,
        r#"{"path":"/nix/store/a-source","locked":{"rev":"1"},"locks":{}}"#,
    ] {
        assert_ne!(state(first), state(other));
    }
    assert_eq!(state(r#"{"locked":{"lastModified":1}}"#), None);
    assert_eq!(state("{}"), None);
}

#[test]
fn what_nix_says_of_a_flake_is_not_trusted_to_make_sense() {
    let dir = tempfile::tempdir().unwrap();
    let said = |script: &str| {
        let nix = nix(&dir.path().join("bin"), script);
        flake("github:o/r").state(&nix, &dir.path().join("log")).unwrap_err().to_string()
    };
    assert!(said("echo '[1]'").contains("not understood"));
    assert!(said("echo '{}'").contains("no tree"));
    assert!(said("true").contains("not understood"));
}

#[test]
fn an_old_nix_is_why_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let script = "[ $1 = --version ] && echo 'nix (Nix) 2.3.1' || exit 1";
    let path = crate::nix::tests::fake(dir.path(), script);
    let nix = Nix::find(&path, &[]).unwrap();
    let error = flake("github:o/r").state(&nix, &dir.path().join("log")).unwrap_err();
    assert!(matches!(error, NixError::Old { .. }), "{error}");
}

#[test]
fn a_tree_in_the_store_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let nix = nix(dir.path(), "exit 1");
    flake("/nix/store/x-source").state(&nix, dir.path()).unwrap();
}

#[test]
fn no_git_runs_in_a_share() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(top.join("ws/.git")).unwrap();
    std::fs::create_dir_all(top.join("ws/sub")).unwrap();
    let mut nix = nix(&top.join("bin"), "echo '{\"path\":\"/nix/store/a-source\"}'");
    nix.shared = vec![top.join("ws")];
    let ask = |nix: &Nix, text: &str| flake(text).absolute(&top).state(nix, &top.join("log"));
    for text in ["./ws", "./ws/sub#x"] {
        let error = ask(&nix, text).unwrap_err().to_string();
        assert!(error.contains(".git/config") && error.contains("path:"), "{error}");
    }
    ask(&nix, &format!("path:{}", top.join("ws").display())).unwrap();
    ask(&nix, "github:o/r").unwrap();
    let newer = crate::nix::tests::fake(
        &top.join("newer"),
        "case $1 in --version) echo 'nix (Nix) 2.20.0';; *) echo '{\"path\":\"/nix/store/a-source\"}';; esac",
    );
    ask(&Nix::find(&newer, &[top.join("ws")]).unwrap(), "./ws").unwrap();
    nix.shared.clear();
    ask(&nix, "./ws").unwrap();
}
