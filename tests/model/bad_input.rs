//! Models, servers and upstreams that are none: one clear line, status 125, and no machine.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use e2e::{
    assert_refused, gguf, lossy,
    model::{Setting, assert_one_line},
    processes::until,
};

/// A model server that does as the name of its model says (`src/bin/stub-server.rs`).
const STUB: &str = env!("CARGO_BIN_EXE_stub-server");

/// A file with this content.
fn file(setting: &Setting, name: &str, content: &[u8]) -> PathBuf {
    let path = setting.scene.top.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

/// `qvm serve` fails with one line; what it began to start is told before, B07, and gone after.
fn serve(setting: &Setting, model: &Path, options: &[&str], words: &[&str]) {
    let mut command = setting.command(["serve"]);
    // No load takes that long here.
    command.env("QVM_MODEL_TIMEOUT", "5").arg(model).args(options);
    let mut output = command.output().unwrap();
    let stderr = lossy(&output.stderr);
    let banner = ["binary ", "model ", "alias ", "listener ", "extra "];
    let rest: Vec<&str> =
        stderr.lines().filter(|line| !banner.iter().any(|name| line.starts_with(name))).collect();
    output.stderr = rest.join("\n").into_bytes();
    assert_one_line(&output, words);
    // It dies with its launcher, which may take a moment.
    until("the server is gone", || setting.servers(&setting.unique()).is_empty().then_some(()));
}

/// B05: weights that are none.
#[test]
fn weights() {
    let setting = Setting::new();
    let whole = gguf::tiny();
    let unique = setting.unique();
    let mut other = whole.clone();
    other[..4].copy_from_slice(b"FUGG");
    let mut garbage = whole.clone();
    garbage[8..4096].fill(0xff);
    for (name, content, word) in [
        ("magic", other.as_slice(), "GGUF"),
        ("garbage", &garbage, "damaged"),
        ("half", &whole[..whole.len() / 2], "incomplete"),
        ("short", &whole[..3], "GGUF"),
        ("empty", &[], "empty"),
    ] {
        let path = file(&setting, &format!("{name}-{unique}.gguf"), content);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        serve(&setting, &path, &[], &[stem, word]);
        let output =
            setting.qvm().arg("--model").arg(&path).args(["--", "touch", "made"]).output().unwrap();
        assert_refused(&output, &[stem, word]);
        assert!(!setting.scene.file("made").exists());
    }
    let missing = setting.scene.top.path().join("missing.gguf");
    serve(&setting, &missing, &[], &["missing.gguf"]);
    let output = setting.qvm().arg("--model").arg(&missing).args(["--", "true"]).output().unwrap();
    assert_one_line(&output, &["missing.gguf"]);
}

/// B10, B11: programs that are no model server, and one that never gets ready.
#[test]
fn servers() {
    let setting = Setting::new();
    let model = setting.tiny(&format!("tiny-{}", setting.unique()));
    let missing = setting.scene.top.path().join("no-server");
    serve(&setting, &model, &["--server-bin", missing.to_str().unwrap()], &["no-server"]);
    let script = file(&setting, "script-server", b"#!/bin/sh\nexec sleep 600\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let words = ["script-server", "is a script"];
    serve(&setting, &model, &["--server-bin", script.to_str().unwrap()], &words);
    let plain = file(&setting, "plain-server", b"no program");
    serve(&setting, &model, &["--server-bin", plain.to_str().unwrap()], &["plain-server"]);
    // A program that ends at once without ever having listened.
    serve(&setting, &model, &["--server-bin", "/bin/true"], &["tiny-", "ended"]);
    // One that lives and never listens.
    let model = setting.tiny(&format!("never-{}", setting.unique()));
    serve(&setting, &model, &["--server-bin", STUB], &["not loaded within 5 seconds"]);
}

/// B06: options that would make the server a way out, each refused by its name.
#[test]
fn dangerous_options() {
    let setting = Setting::new();
    let model = setting.tiny("tiny");
    for option in [
        "--host",
        "--port",
        "--tools",
        "--agent",
        "--mcp-servers-config",
        "--ui-mcp-proxy",
        "--media-path",
        "--slot-save-path",
        "--rpc",
        "-hf",
        "--model-url",
        "--models-dir",
    ] {
        for words in [vec![option.to_owned(), "x".to_owned()], vec![format!("{option}=x")]] {
            let mut command = setting.command(["serve"]);
            let output = command.arg(&model).arg("--").args(&words).output().unwrap();
            assert_one_line(&output, &[option]);
        }
    }
}

/// B12: upstreams that are not there, and ones that qvm does not talk to.
#[test]
fn upstreams() {
    let setting = Setting::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let socket = setting.scene.top.path().join("none.sock");
    let socket = format!("unix:{}", socket.display());
    let closed = format!("http://127.0.0.1:{port}");
    for (upstream, word) in [
        (socket.as_str(), "none.sock"),
        (&closed, &port.to_string()),
        ("http://10.0.0.1:80", "10.0.0.1"),
        ("https://example.com", "example.com"),
        ("ftp://127.0.0.1:1", "ftp"),
        ("unix:relative.sock", "relative.sock"),
        ("http://127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("", "--upstream"),
    ] {
        let output =
            setting.qvm().args(["--upstream", upstream, "--", "touch", "made"]).output().unwrap();
        assert_refused(&output, &[word]);
        assert!(!setting.scene.file("made").exists());
    }
}

/// Models that nobody configured, and options that exclude each other.
#[test]
fn names() {
    let setting = Setting::new();
    let refused = |options: &[&str], words: &[&str]| {
        let output = setting.qvm().args(options).args(["--", "true"]).output().unwrap();
        assert_refused(&output, words);
    };
    refused(&["--model", "nosuch"], &["nosuch", "none is configured", "ORG/REPO"]);
    refused(&["--model", "a", "--no-model"], &["--no-model"]);
    refused(&["--upstream", "http://127.0.0.1:1", "--model", "a"], &["--upstream", "--model"]);
    refused(&["--with", "gemini-cli"], &["gemini-cli"]);
    refused(&["--with", "nosuch"], &["nosuch"]);
    assert_one_line(&setting.output(["serve"]), &["model"]);
    assert_one_line(&setting.output(["models", "switch", "nosuch"]), &["nosuch"]);
    let log = setting.scene.top.path().join("missing/log");
    refused(&["--log-requests", log.to_str().unwrap()], &["log"]);
}
