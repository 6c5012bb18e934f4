//! Real models in the real, sandboxed llama-server.

use std::fs;

use e2e::{
    lossy,
    model::{Setting, smollm2},
    processes::{Running, alive, until},
    stdout,
};
use serde_json::Value;

/// B21, B26: two machines start one server between them; an agent talks to it end to end; it ends
/// once nobody has used it for a while.
#[test]
fn one_server_for_two_machines() {
    let setting = Setting::new();
    let id = format!("tiny-{}", setting.unique());
    setting.add(&id, &setting.tiny(&id), &["--default"]);
    assert_eq!(setting.servers(&id), [0; 0]);
    let script = r#"
curl -s --fail 127.0.0.1:8080/v1/messages -d '{"model":"any","max_tokens":20,"messages":[{"role":"user","content":"say hi"}]}' > first.$1
while ! test -e go; do sleep 0.2; done
if test $1 = b; then claude --dangerously-skip-permissions -p 'say hi' --output-format json > claude; fi
exit 0"#;
    let start = |name: &str| {
        let mut qvm = setting.qvm();
        qvm.args(["--", "sh", "-c", script, "sh", name]);
        Running::start(&mut qvm)
    };
    let machines = [start("a"), start("b")];
    for name in ["first.a", "first.b"] {
        let file = setting.scene.file(name);
        until(name, || fs::metadata(&file).is_ok_and(|meta| meta.len() > 0).then_some(()));
        let answer = setting.left_json(name);
        assert!(!answer["content"][0]["text"].as_str().unwrap().is_empty(), "{answer}");
        assert_eq!(answer["model"], id, "{answer}");
    }
    let servers = setting.servers(&id);
    assert_eq!(servers.len(), 1, "{servers:?}");
    fs::write(setting.scene.file("go"), "").unwrap();
    for machine in machines {
        let output = machine.output();
        stdout(&output);
        let said = lossy(&output.stderr);
        assert!(said.contains(&format!("qvm: model: {id}, local llama-server")), "{said}");
    }
    let answer = setting.left_json("claude");
    assert_eq!(answer["is_error"], false, "{answer}");
    until("the idle server ends", || (!alive(servers[0])).then_some(()));
    until("none takes its place", || setting.servers(&id).is_empty().then_some(()));
}

/// A model that really answers. Its context is smaller than Claude's own prompts want, which is
/// said. Claude with it is shown by `scripts/model-demo`, as it takes minutes.
#[test]
fn a_real_answer() {
    let setting = Setting::new();
    let script = r#"
curl -s --fail 127.0.0.1:8080/v1/messages -d '{"model":"any","max_tokens":30,"temperature":0,"messages":[{"role":"user","content":"Paris is the capital of which country?"}]}'"#;
    let run = |command: &[&str]| {
        setting.qvm().arg("--model").arg(smollm2()).arg("--").args(command).output().unwrap()
    };
    let output = run(&["sh", "-c", script]);
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(answer["content"][0]["text"].as_str().unwrap().contains("France"), "{answer}");

    let output = run(&["claude", "--version"]);
    assert!(stdout(&output).contains("Claude Code"));
    let said = lossy(&output.stderr);
    let note = said.lines().find(|line| line.contains("8192")).unwrap_or_else(|| panic!("{said}"));
    assert!(note.starts_with("qvm: ") && note.contains("context"), "{note}");
}

/// `qvm serve` serves what it is told until it is told to end, and a second one is refused.
#[test]
fn a_server_by_hand() {
    let setting = Setting::new();
    let id = format!("tiny-{}", setting.unique());
    let model = setting.tiny(&id);
    let mut serve = setting.command(["serve"]);
    let served = Running::start(serve.arg(&model));
    let server = until("the server starts", || setting.servers(&id).first().copied());
    let second = setting.command(["serve"]).arg(&model).output().unwrap();
    e2e::model::assert_one_line(&second, &["already"]);

    // A run uses the one that is there, and does not end it.
    let script = "curl -s --fail 127.0.0.1:8080/v1/models";
    let output = setting.qvm().args(["--", "sh", "-c", script]).output().unwrap();
    let models: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let listed = models["data"][0].to_string();
    assert!(!listed.contains(setting.scene.top.path().to_str().unwrap()), "{listed}");
    assert_eq!(setting.servers(&id), [server]);

    let pid = rustix::process::Pid::from_raw(i32::try_from(served.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(served.output().status.code(), Some(0));
    until("the server ends with it", || (!alive(server)).then_some(()));
    assert_eq!(setting.servers(&id), [0; 0]);
}
