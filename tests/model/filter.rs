//! What the bridge lets through, tried from inside the guest.

use e2e::{
    model::Setting,
    scripted::{Scripted, Turn},
    stdout,
};
use serde_json::Value;

/// What a guest may not ask, C15.
const DENIED: &[(&str, &[&str])] = &[
    (
        "GET",
        &["/index.html", "/favicon.ico", "/slots", "/metrics", "/lora-adapters", "/models/sse"],
    ),
    ("GET", &["/tools", "/cors-proxy", "/v1/stream", "/v1/stream/1", "/v1/streams"]),
    ("POST", &["/props", "/slots/0", "/slots/0?action=save", "/lora-adapters", "/models"]),
    ("POST", &["/models/load", "/models/unload", "/tools", "/cors-proxy", "/v1/stream/1"]),
    ("DELETE", &["/models", "/models/x"]),
    ("GET", &["//slots", "/slots/", "/./slots", "/health/../slots", "/%73lots", "/slots?/health"]),
    ("GET", &["/health%2f..%2fslots", "/health/slots", "/health;/slots", "/HEALTH/../slots"]),
    ("CONNECT", &["127.0.0.1:80"]),
];

const GUEST: &str = r#"
import http.client, json, sys
def ask(method, target, body=None, headers={}):
    c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    if isinstance(body, dict): body = json.dumps(body)
    c.putrequest(method, target, skip_host=False)
    if body is not None: c.putheader("Content-Length", str(len(body)))
    for pair in headers.items(): c.putheader(*pair)
    c.endheaders(body.encode() if body is not None else None)
    r = c.getresponse()
    return r.status, r.read().decode()
out = {"denied": [], "media": []}
for method, target in json.load(open("denied.json")):
    try: status = ask(method, target, "{}" if method in ("POST", "PUT") else None)[0]
    except Exception as e: status = repr(e)
    out["denied"].append([method, target, status])
for kind, url in (("image_url", "http://127.0.0.1:80/x.png"), ("image_url", "file:///etc/passwd"),
                  ("image_url", "https://example.com/x.png"), ("image_url", "data:image/png;base64,AAAA")):
    body = {"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "look"}, {"type": kind, kind: {"url": url}}]}]}
    out["media"].append([url, ask("POST", "/v1/chat/completions", body)[0]])
source = {"type": "url", "url": "http://127.0.0.1/x.png"}
body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}
out["media"].append(["anthropic url", ask("POST", "/v1/messages", body)[0]])
out["models"] = [ask("GET", p) for p in ("/models", "/v1/models?x=1")]
out["props"] = ask("GET", "/props")
out["head"] = ask("HEAD", "/health")[0]
system = [{"type": "text", "text": "x-anthropic-billing-header: cc_version=1; cch=abc;"},
          {"type": "text", "text": "be brief"}]
talk = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
        {"role": "system", "content": "mark the middle"}, {"role": "user", "content": "three"}]
body = {"model": "claude-haiku-4-5", "max_tokens": 9, "system": system, "messages": talk}
secret = {"Authorization": "Bearer hush-31c8", "x-api-key": "hush-31c8"}
out["folded"] = ask("POST", "/v1/messages?beta=true", body, secret)
out["big"] = ask("POST", "/v1/messages", {"model": "m", "max_tokens": 9, "messages": [
    {"role": "user", "content": "x" * (8 << 20)}]})[0]
json.dump(out, open("out.json", "w"))
"#;

/// C15: every denied endpoint answers 403 and nothing of it gets through; B20: the rest is put right.
#[test]
fn only_the_model_can_be_asked() {
    let setting = Setting::new();
    let socket = setting.scene.top.path().join("scripted.sock");
    let server = Scripted::on_socket(&socket, |_| Turn::say("hello"));
    let pairs: Vec<(&str, &str)> = DENIED
        .iter()
        .flat_map(|(method, targets)| targets.iter().map(|target| (*method, *target)))
        .collect();
    std::fs::write(setting.scene.file("denied.json"), serde_json::to_string(&pairs).unwrap())
        .unwrap();
    let log = setting.scene.top.path().join("requests.jsonl");
    let mut qvm = setting.with(&server);
    qvm.arg("--log-requests").arg(&log).args(["--", "python3", "-c", GUEST]);
    stdout(&qvm.output().unwrap());
    let out = setting.left_json("out.json");

    for entry in out["denied"].as_array().unwrap() {
        assert_eq!(entry[2], 403, "{entry}");
    }
    for entry in out["media"].as_array().unwrap() {
        let good = entry[0].as_str().unwrap().starts_with("data:");
        let status = entry[1].as_u64().unwrap();
        assert!(if good { status == 200 } else { (400..500).contains(&status) }, "{entry}");
    }
    for answer in out["models"].as_array().unwrap().iter().chain([&out["props"]]) {
        assert_eq!(answer[0], 200, "{answer}");
        assert!(!answer.to_string().contains("/host/path"), "{answer}");
    }
    assert_eq!(out["head"], 200);
    assert_eq!(out["folded"][0], 200, "{}", out["folded"]);
    assert_eq!(out["big"], 200);

    for request in server.requests() {
        // Counting tokens is how qvm itself finds out what the server speaks.
        let known = [
            "/health",
            "/models",
            "/v1/models",
            "/props",
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/chat/completions",
        ];
        assert!(known.contains(&request.path()), "{} {}", request.method, request.target);
        assert!(
            !request.text.contains("127.0.0.1") && !request.text.contains("file:"),
            "{}",
            request.text
        );
    }
    let prompts = server.prompts();
    let folded = prompts.iter().find(|request| request.text.contains("mark the middle")).unwrap();
    assert!(!folded.text.contains("x-anthropic-billing-header"), "{}", folded.text);
    let roles: Vec<&Value> = folded.body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert!(!roles.iter().any(|role| *role == "system"), "{}", folded.text);
    let system = folded.body["system"].to_string();
    assert!(system.contains("be brief") && system.contains("mark the middle"), "{system}");
    // Whatever the agent calls it, the server is asked for what it serves.
    assert_ne!(folded.body["model"], "claude-haiku-4-5");

    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= prompts.len(), "{} lines, {} prompts", lines.len(), prompts.len());
    assert!(log.contains("/v1/messages") && !log.contains("hush-31c8"), "{log}");
}
