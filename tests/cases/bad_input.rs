//! Bad input: status 125, one line that says what to do, nothing started.

use std::{fs, process::Command};

use e2e::{Scene, assert_refused, qvm_binary};

fn refused(args: &[&str], words: &[&str]) {
    let output = Command::new(qvm_binary()).args(args).output().unwrap();
    assert_refused(&output, words);
}

#[test]
fn workspaces_that_are_none() {
    let scene = Scene::new();
    let path = |name: &str| scene.file(name).to_str().unwrap().to_owned();
    fs::write(path("file"), "").unwrap();
    refused(&["-d", &path("missing"), "--", "true"], &["missing"]);
    refused(&["-d", &path("file"), "--", "true"], &["not a directory"]);
    refused(&["-d", "claude", "--", "true"], &["claude", "-d"]);
    let home = std::env::var("HOME").unwrap();
    for forbidden in ["/", &home, "/proc", "/sys", "/dev"] {
        refused(&["-d", forbidden, "--", "true"], &[forbidden]);
    }
    std::os::unix::fs::symlink(&home, path("link")).unwrap();
    refused(&["-d", &path("link"), "--", "true"], &[]);
}

#[test]
fn numbers_out_of_range() {
    let scene = Scene::new();
    let dir = scene.workspace.to_str().unwrap();
    refused(&["-d", dir, "-m", "0", "--", "true"], &["memory"]);
    refused(&["-d", dir, "-m", "10T", "--", "true"], &["memory"]);
    refused(&["-d", dir, "-m", "lots", "--", "true"], &["lots"]);
    refused(&["-d", dir, "--cpus", "0", "--", "true"], &["0"]);
    refused(&["-d", dir, "--cpus", "33", "--", "true"], &["33"]);
    refused(&["-d", dir, "--timeout", "soon", "--", "true"], &["soon"]);
    refused(&["-d", dir, "--no-such-option", "--", "true"], &["--no-such-option"]);
    refused(&["-d", dir, "-e", "QVM_SURELY_UNSET", "--", "true"], &["QVM_SURELY_UNSET"]);
    refused(&["-d", dir, "-v", "/nowhere:/x", "--", "true"], &["/nowhere"]);
    refused(&["exec", "no-such-machine", "--", "true"], &["no-such-machine"]);
}

/// QEMU absent when it is needed.
#[test]
fn no_qemu() {
    let scene = Scene::new();
    let output = Command::new(qvm_binary())
        .args(["--accel", "tcg", "-d", scene.workspace.to_str().unwrap(), "--", "true"])
        .env("PATH", scene.top.path())
        .output()
        .unwrap();
    assert_refused(&output, &["qemu-system-x86"]);
}

/// A damaged image is found before it boots, and the way out is named.
#[test]
fn truncated_image() {
    let scene = Scene::new();
    let real = stdout_path(&["image", "ls", "--json"]);
    let cache = scene.top.path().join("cache");
    let copy =
        Command::new("cp").arg("-a").arg("--reflink=auto").arg(&real).arg(&cache).status().unwrap();
    assert!(copy.success());
    let images = fs::read_dir(cache.join("images"))
        .unwrap()
        .flatten()
        .find(|e| e.path().join("root.erofs").exists())
        .unwrap();
    let root = images.path().join("root.erofs");
    let length = fs::metadata(&root).unwrap().len();
    fs::OpenOptions::new().write(true).open(&root).unwrap().set_len(length / 2).unwrap();
    let mut command = scene.qvm();
    let output = command.env("QVM_CACHE", &cache).args(["--", "true"]).output().unwrap();
    assert_refused(&output, &["root.erofs", "qvm image"]);
}

/// The cache directory that `image ls --json` names.
fn stdout_path(args: &[&str]) -> String {
    let output = Command::new(qvm_binary()).args(args).output().unwrap();
    let listed: serde_json::Value = serde_json::from_str(&e2e::stdout(&output)).unwrap();
    listed["cache"].as_str().unwrap().to_owned()
}
