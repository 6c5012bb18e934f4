//! Another model in the middle of a session, B15, B16, B17.

use std::{fs, process::Stdio};

use e2e::{lossy, model::Setting, processes::until, stdout};
use serde_json::{Value, json};

const GUEST: &str = r#"
import http.client, json, os, socket, sys, threading, time
def ask(method, target, body=None, port=8081):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    c.request(method, target, body if body is None or isinstance(body, str) else json.dumps(body))
    r = c.getresponse()
    text = r.read().decode()
    try: return [r.status, json.loads(text)]
    except ValueError: return [r.status, text]
one, two = sys.argv[1:]
prompt = {"model": "any", "max_tokens": 20, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
out = {}
ask("POST", "/v1/messages", prompt, 8080)
out["models"], out["before"] = ask("GET", "/models"), ask("GET", "/status")
out["bad"] = [ask("POST", "/switch", body) for body in ("{", "[]", "{}", {"model": 7})]
out["unknown"] = [ask("POST", "/switch", {"model": m}) for m in ("nosuch", "../x", "/etc/passwd", "hf:a/b")]
out["elsewhere"] = [ask(*where)[0] for where in (("GET", "/"), ("GET", "/switch"), ("POST", "/models"), ("DELETE", "/models"))]
# A second switch while one goes on, and a prompt meanwhile. Loading is quick, so try a few times.
out["busy"], out["held"], targets = [], [], [two, one] * 4
for target in targets:
    got = {}
    def run(name, *args): got[name] = ask(*args)
    runs = [threading.Thread(target=run, args=a) for a in (
        ("switch", "POST", "/switch", {"model": target}),
        ("second", "POST", "/switch", {"model": target}),
        ("prompt", "POST", "/v1/messages", prompt, 8080))]
    for thread in runs: thread.start()
    for thread in runs: thread.join()
    out["held"].append(got["prompt"])
    statuses = sorted((got["switch"][0], got["second"][0]))
    out["busy"].append(statuses)
    out["after"] = ask("GET", "/status")
    if statuses == [200, 409]: break
out["target"] = target
json.dump(out, open("out.json", "w"))
open("ready", "w").close()
while not os.path.exists("go"): time.sleep(0.2)
json.dump([ask("GET", "/status"), ask("POST", "/v1/messages", prompt, 8080)], open("host.json", "w"))
"#;

/// The codes of each answer; a prompt during a switch waits and is answered; the host switches too.
#[test]
fn from_the_guest_and_from_the_host() {
    let setting = Setting::new();
    let (one, two) = (format!("one-{}", setting.unique()), format!("two-{}", setting.unique()));
    setting.add(&one, &setting.tiny(&one), &["--default"]);
    setting.add(&two, &setting.tiny(&two), &["--context", "40960"]);
    let mut qvm = setting.qvm();
    qvm.args(["--", "python3", "-c", GUEST, &one, &two]);
    let machine = qvm.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the guest has tried", || setting.scene.file("ready").exists().then_some(()));
    let out = setting.left_json("out.json");

    let models = &out["models"][1]["models"];
    assert_eq!(out["models"][0], 200);
    assert_eq!((&models[0]["id"], &models[0]["active"]), (&json!(one), &json!(true)), "{models}");
    assert_eq!((&models[1]["id"], &models[1]["active"]), (&json!(two), &json!(false)), "{models}");
    assert_eq!(models[1]["ctx_size"], 40960, "{models}");
    assert!(!out["models"].to_string().contains(".gguf"), "no path of the host's: {models}");
    assert_eq!(
        (&out["before"][1]["model"], &out["before"][1]["state"]),
        (&json!(one), &json!("running"))
    );
    for (name, code) in [("bad", 400), ("unknown", 404)] {
        for answer in out[name].as_array().unwrap() {
            assert_eq!(answer[0], code, "{answer}");
        }
    }
    for status in out["elsewhere"].as_array().unwrap() {
        assert!((400..500).contains(&status.as_u64().unwrap()), "{}", out["elsewhere"]);
    }
    assert!(out["busy"].as_array().unwrap().contains(&json!([200, 409])), "{}", out["busy"]);
    for held in out["held"].as_array().unwrap() {
        assert_eq!(held[0], 200, "{held}");
        assert!(held[1].as_str().unwrap().contains("message_stop"), "{held}");
    }
    assert_eq!(
        (&out["after"][1]["model"], &out["after"][1]["state"]),
        (&out["target"], &json!("running"))
    );
    let target = out["target"].as_str().unwrap();
    assert_eq!(setting.servers(target).len(), 1);
    assert_eq!(setting.servers(&setting.unique()).len(), 1, "the one before has ended");

    let other = if target == one { &two } else { &one };
    let refused = setting.output(["models", "switch", "nosuch"]);
    e2e::model::assert_one_line(&refused, &["nosuch", "qvm models ls"]);
    let switched = setting.output(["models", "switch", other]);
    assert!(switched.status.success(), "{}", lossy(&switched.stderr));
    fs::write(setting.scene.file("go"), "").unwrap();
    stdout(&machine.wait_with_output().unwrap());
    let host: Value = setting.left_json("host.json");
    assert_eq!(host[0][1]["model"], **other, "{host}");
    assert_eq!(host[1][0], 200, "{host}");
}
