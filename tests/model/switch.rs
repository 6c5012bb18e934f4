//! Another model in the middle of a session, B15, B16, B17.

use std::fs;

use e2e::{
    lossy,
    model::Setting,
    processes::{Running, until},
    stdout,
};
use serde_json::{Value, json};

/// A model server that does as the name of its model says (`src/bin/stub-server.rs`).
const STUB: &str = env!("CARGO_BIN_EXE_stub-server");

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
# A prompt while another model is loaded.
def switch(): out["switched"] = ask("POST", "/switch", {"model": two})
thread = threading.Thread(target=switch)
thread.start()
while ask("GET", "/status")[1]["model"] != two: time.sleep(0.01)
out["held"] = ask("POST", "/v1/messages", prompt, 8080)
thread.join()
out["after"] = ask("GET", "/status")
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
    let machine = Running::start(&mut qvm);
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
    assert_eq!(out["switched"][0], 200, "{}", out["switched"]);
    assert_eq!(out["held"][0], 200, "{}", out["held"]);
    assert!(out["held"][1].as_str().unwrap().contains("message_stop"), "{}", out["held"]);
    let now = &out["after"][1];
    assert_eq!((&now["model"], &now["state"]), (&json!(two), &json!("running")));
    assert_eq!(setting.servers(&two).len(), 1);
    assert_eq!(setting.servers(&setting.unique()).len(), 1, "the one before has ended");

    let refused = setting.output(["models", "switch", "nosuch"]);
    e2e::model::assert_one_line(&refused, &["nosuch", &one, &two]);
    let switched = setting.output(["models", "switch", &one]);
    assert!(switched.status.success(), "{}", lossy(&switched.stderr));
    fs::write(setting.scene.file("go"), "").unwrap();
    stdout(&machine.output());
    let host: Value = setting.left_json("host.json");
    assert_eq!(host[0][1]["model"], one, "{host}");
    assert_eq!(host[1][0], 200, "{host}");
}

const LATE: &str = r#"
import http.client, json, sys, threading, time
def ask(method, target, body=None, port=8081):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    c.request(method, target, body if body is None else json.dumps(body))
    r = c.getresponse()
    return [r.status, r.read().decode()]
late, gone = sys.argv[1:]
prompt = {"model": "any", "max_tokens": 20, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
out = {"models": ask("GET", "/models")}
def switch(): out["switched"] = ask("POST", "/switch", {"model": late})
thread = threading.Thread(target=switch)
thread.start()
while "starting" not in (during := ask("GET", "/status"))[1]: time.sleep(0.05)
out["during"] = during
out["second"] = ask("POST", "/switch", {"model": late})
out["held"] = ask("POST", "/v1/messages", prompt, 8080)
out["whole"] = ask("POST", "/v1/messages", {**prompt, "stream": False}, 8080)
thread.join()
out["gone"] = ask("POST", "/switch", {"model": gone})
out["after"] = ask("GET", "/status")
out["next"] = ask("POST", "/v1/messages", prompt, 8080)
json.dump(out, open("out.json", "w"))
"#;

/// A model that takes its time: a second switch is refused, prompts wait and are told that they
/// do. One that cannot be loaded leaves the model that there was. No hidden one is shown.
#[test]
fn to_a_model_that_takes_its_time_and_to_one_that_is_gone() {
    let setting = Setting::new();
    let [now, late, gone, secret] =
        ["now", "late", "gone", "secret"].map(|name| format!("{name}-{}", setting.unique()));
    setting.configure(&format!("server = {STUB:?}\n"));
    setting.add(&now, &setting.tiny(&now), &["--default"]);
    for id in [&late, &gone, &secret] {
        setting.add(id, &setting.tiny(id), &[]);
    }
    let file = setting.home.join(".config/qvm/models.toml");
    let text = fs::read_to_string(&file).unwrap();
    let table = format!("[models.{secret}]\n");
    assert!(text.contains(&table), "{text}");
    fs::write(&file, text.replace(&table, &format!("{table}hidden = true\n"))).unwrap();
    fs::remove_file(setting.scene.top.path().join(format!("{gone}.gguf"))).unwrap();
    let mut qvm = setting.qvm();
    stdout(&qvm.args(["--", "python3", "-c", LATE, &late, &gone]).output().unwrap());
    let out = setting.left_json("out.json");
    let told = out["models"][1].as_str().unwrap();
    assert!(told.contains(&late) && !told.contains(&secret), "{told}");
    assert!(out["during"][1].as_str().unwrap().contains(&late), "{}", out["during"]);
    assert_eq!(out["second"][0], 409, "{}", out["second"]);
    assert_eq!(out["held"][0], 200);
    let held = out["held"][1].as_str().unwrap();
    let ping = held.find(": waiting for the model\n").unwrap_or_else(|| panic!("{held}"));
    assert!(held.find("message_stop").unwrap() > ping, "{held}");
    assert_eq!(out["whole"][0], 200, "{}", out["whole"]);
    assert_eq!(out["switched"][0], 200, "{}", out["switched"]);
    let status = out["gone"][0].as_u64().unwrap();
    assert!((500..600).contains(&status), "{}", out["gone"]);
    let top = setting.scene.top.path().to_str().unwrap();
    assert!(!out["gone"].to_string().contains(top), "no path of the host's: {}", out["gone"]);
    let after = out["after"][1].as_str().unwrap();
    assert!(after.contains(&late) && after.contains("running"), "{after}");
    assert_eq!(out["next"][0], 200, "{}", out["next"]);
}
