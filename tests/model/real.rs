//! Real models in the real, sandboxed llama-server.

use std::{fs, process::Stdio};

use e2e::{
    lossy,
    model::{Setting, smollm2},
    processes::{alive, until},
    stdout,
};

/// B21, B26: two machines start one server between them; an agent talks to it end to end; it ends
/// once nobody has used it for a while.
#[test]
fn one_server_for_two_machines() {
    let setting = Setting::new();
    let id = format!("tiny-{}", setting.unique());
    setting.configure("idle = \"2s\"\n");
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
        qvm.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
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
        let output = machine.wait_with_output().unwrap();
        stdout(&output);
        let said = lossy(&output.stderr);
        assert!(said.contains(&format!("qvm: model: {id}, local llama-server")), "{said}");
    }
    let answer = setting.left_json("claude");
    assert_eq!(answer["is_error"], false, "{answer}");
    until("the idle server ends", || (!alive(servers[0])).then_some(()));
    until("none takes its place", || setting.servers(&id).is_empty().then_some(()));
}

/// A model that really answers, first asked directly, then through Claude Code. Its context is
/// smaller than Claude's own prompts want, which is said.
#[test]
fn a_real_answer_through_claude() {
    let setting = Setting::new();
    let script = r#"
curl -s --fail 127.0.0.1:8080/v1/messages -d '{"model":"any","max_tokens":30,"temperature":0,"messages":[{"role":"user","content":"What is the capital of France?"}]}' > paris
exec claude --dangerously-skip-permissions -p 'say hi' --output-format json"#;
    let mut qvm = setting.qvm();
    qvm.arg("--model").arg(smollm2()).args(["--", "sh", "-c", script]);
    let output = qvm.output().unwrap();
    let said = lossy(&output.stderr);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["is_error"], false, "{answer}");
    assert!(!answer["result"].as_str().unwrap().trim().is_empty(), "{answer}");
    let paris = setting.left_json("paris");
    assert!(paris["content"][0]["text"].as_str().unwrap().contains("Paris"), "{paris}");
    assert!(said.contains("context") && said.contains("8192"), "{said}");
}

/// `qvm serve` serves what it is told until it is told to end, and a second one is refused.
#[test]
fn a_server_by_hand() {
    let setting = Setting::new();
    let id = format!("tiny-{}", setting.unique());
    let model = setting.tiny(&id);
    let mut serve = setting.command(["serve"]);
    let mut served =
        serve.arg(&model).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let server = until("the server starts", || setting.servers(&id).first().copied());
    let second = setting.command(["serve"]).arg(&model).output().unwrap();
    e2e::model::assert_one_line(&second, &["already"]);

    // A run uses the one that is there, and does not end it.
    let script = "curl -s --fail 127.0.0.1:8080/v1/models";
    let output = setting.qvm().args(["--", "sh", "-c", script]).output().unwrap();
    let models: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let listed = models["data"][0].to_string();
    assert!(!listed.contains(setting.scene.top.path().to_str().unwrap()), "{listed}");
    assert_eq!(setting.servers(&id), [server]);

    let pid = rustix::process::Pid::from_raw(i32::try_from(served.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    served.wait().unwrap();
    until("the server ends with it", || (!alive(server)).then_some(()));
    assert_eq!(setting.servers(&id), [0; 0]);
}
