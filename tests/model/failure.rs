//! Servers and clients that go away.

use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::{
    model::Setting,
    processes::{Running, until},
    scripted::{Scripted, Turn},
    stdout,
};

/// C14: the server breaks in mid-stream: the agent gets an error, and the next request works. A
/// client that leaves makes the server stop.
#[test]
fn mid_stream() {
    let setting = Setting::new();
    let broken = AtomicUsize::new(0);
    let server = Scripted::on_loopback(move |request| {
        let text = &request.text;
        let once = text.contains("break once") && broken.fetch_add(1, Ordering::SeqCst) == 0;
        if text.contains("never end") {
            Turn::Endless
        } else if once || text.contains("always break") {
            Turn::Break("half".into())
        } else {
            Turn::say("Hello from the script.")
        }
    });
    let script = r#"
ask() { curl -sS -N "$@"; echo "status $?"; }
body() { printf '{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"%s"}]}' "$1"; }
ask 127.0.0.1:8080/v1/messages -d "$(body 'always break')" > broken 2>&1
ask 127.0.0.1:8080/v1/messages -d "$(body 'plain')" > next 2>&1
ask 127.0.0.1:8080/v1/messages -d "$(body 'never end')" --max-time 3 > left 2>&1
CLAUDE_CODE_MAX_RETRIES=0 claude --dangerously-skip-permissions -p 'always break' > failed 2>&1; echo $? > failed.status
claude --dangerously-skip-permissions -p 'break once' > healed 2> healed.err; echo $? > healed.status
touch ready; while ! test -e go; do sleep 0.2; done"#;
    let mut qvm = setting.with(&server);
    qvm.args(["--", "sh", "-c", script]);
    let machine = Running::start(&mut qvm);
    until("the guest has tried", || setting.scene.file("ready").exists().then_some(()));
    // While the machine still runs: it is the client's leaving that counts.
    until("the server notices", || (server.given_up() >= 1).then_some(()));
    std::fs::write(setting.scene.file("go"), "").unwrap();
    stdout(&machine.output());

    let broken = setting.left("broken");
    assert!(broken.contains("half") && !broken.contains("message_stop"), "{broken}");
    assert!(broken.contains("event: error") || !broken.contains("status 0"), "{broken}");
    let next = setting.left("next");
    assert!(next.contains("message_stop") && next.ends_with("status 0\n"), "{next}");
    let left = setting.left("left");
    assert!(left.contains("and ") && left.ends_with("status 28\n"), "{left}");
    let failed = setting.left("failed");
    assert_eq!(setting.left("failed.status"), "1\n", "{failed}");
    assert!(failed.contains("API Error"), "{failed}");
    let healed = setting.left("healed");
    assert_eq!(setting.left("healed.status"), "0\n", "{}", setting.left("healed.err"));
    assert_eq!(healed, "Hello from the script.\n");
}

/// The real server is killed in mid-stream: the same, and another one is started.
#[test]
fn the_real_server_is_killed() {
    let setting = Setting::new();
    let id = format!("tiny-{}", setting.unique());
    setting.add(&id, &setting.tiny(&id), &["--default"]);
    let script = r#"
curl -sS -N 127.0.0.1:8080/completion -d '{"prompt":"a","n_predict":-1,"ignore_eos":true,"stream":true}' > killed 2>&1; echo $? > killed.status
curl -sS --fail --retry 0 127.0.0.1:8080/v1/messages -d '{"model":"any","max_tokens":20,"messages":[{"role":"user","content":"say hi"}]}' > next"#;
    let mut qvm = setting.qvm();
    qvm.args(["--", "sh", "-c", script]);
    let machine = Running::start(&mut qvm);
    let streams = || {
        std::fs::read_to_string(setting.scene.file("killed")).is_ok_and(|t| t.contains("data: "))
    };
    until("words come", || streams().then_some(()));
    let server = setting.servers(&id)[0];
    let pid = rustix::process::Pid::from_raw(i32::try_from(server).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    stdout(&machine.output());
    let killed = setting.left("killed");
    let tail: String = killed.lines().rev().take(3).collect();
    assert!(setting.left("killed.status") != "0\n" || tail.contains("error"), "{tail}");
    let next = setting.left_json("next");
    assert!(!next["content"][0]["text"].as_str().unwrap().is_empty(), "{next}");
}
