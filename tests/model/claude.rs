//! Claude Code in the guest, with a scripted model.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use e2e::{
    CANARY,
    image::another_cache,
    lossy,
    model::Setting,
    scripted::{Request, Scripted, Turn},
    stdout,
    terminal::Terminal,
    users::{NOBODYS, give, ordinary, ordinary_uid},
};
use serde_json::{Value, json};

const CLAUDE: [&str; 2] = ["claude", "--dangerously-skip-permissions"];

/// Answers a conversation with one call of `tool`, then with a text.
fn with_one_call(tool: &'static str, input: Value) -> impl Fn(&Request) -> Turn {
    move |request| {
        if request.offers(tool) && !request.has_result() {
            Turn::call(tool, input.clone())
        } else {
            Turn::say("All-done.")
        }
    }
}

/// A home directory with a Claude of its own in it, that must not be touched or seen.
fn dress(home: &Path) {
    fs::create_dir_all(home.join(".claude/projects")).unwrap();
    fs::write(home.join(".claude.json"), json!({"oauthAccount": CANARY}).to_string()).unwrap();
    fs::write(home.join(".claude/settings.json"), json!({"env": {"CANARY": CANARY}}).to_string())
        .unwrap();
    fs::write(home.join(".claude/.credentials.json"), CANARY).unwrap();
}

/// Every file below, with its content.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let listed = Command::new("find")
        .arg(dir)
        .args(["-name", ".config", "-prune", "-o", "-type", "f", "-print"])
        .output()
        .unwrap();
    let names = stdout(&listed);
    names.lines().map(|name| (name.to_owned(), fs::read(name).unwrap())).collect()
}

/// Nothing but the model was asked for anything, and each prompt is fit for a local model.
fn assert_fit(server: &Scripted) {
    assert!(!server.prompts().is_empty());
    for request in server.requests() {
        let known = [
            "/",
            "/health",
            "/v1/health",
            "/models",
            "/v1/models",
            "/props",
            "/v1/messages",
            "/v1/messages/count_tokens",
        ];
        assert!(known.contains(&request.path()), "{} {}", request.method, request.target);
        assert!(!request.text.contains("x-anthropic-billing-header"), "{}", request.text);
        assert!(!request.text.contains("canary-5d1c"), "{}", request.text);
        let system = |message: &Value| message["role"] == "system";
        let messages = request.body["messages"].as_array();
        assert!(!messages.is_some_and(|all| all.iter().any(system)), "{}", request.text);
    }
}

/// D01, D02, D04, C17: three formats, from a fresh start, with no account and no network; the
/// caller's own installation is neither seen nor changed.
#[test]
fn prints_in_each_format() {
    let setting = Setting::new();
    dress(&setting.home);
    let before = contents(&setting.home);
    let server = Scripted::on_loopback(|_| Turn::say("Hello from the script."));
    let script = r#"
claude --dangerously-skip-permissions -p 'say hi' > text
claude --dangerously-skip-permissions -p 'say hi' --output-format json > json
CLAUDE_CODE_ATTRIBUTION_HEADER=1 claude --dangerously-skip-permissions -p 'say hi' \
    --output-format stream-json --verbose > stream
env > env; grep -rl canary-5d1c "$HOME" /etc > seen; true"#;
    let output = setting.with(&server).args(["--", "sh", "-c", script]).output().unwrap();
    stdout(&output);
    assert_eq!(setting.left("text"), "Hello from the script.\n");
    // One object, as scripts expect it.
    let json = setting.left_json("json");
    assert_eq!(
        (&json["result"], &json["is_error"]),
        (&json!("Hello from the script."), &json!(false))
    );
    let stream = setting.left("stream");
    let lines: Vec<Value> =
        stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["subtype"], "init", "{stream}");
    assert!(lines.iter().any(|line| line["type"] == "assistant"), "{stream}");
    assert_eq!(lines.last().unwrap()["result"], "Hello from the script.", "{stream}");
    let env = setting.left("env");
    for line in [
        "ANTHROPIC_BASE_URL=http://127.0.0.1:8080",
        "DISABLE_TELEMETRY=1",
        "DISABLE_ERROR_REPORTING=1",
        "ANTHROPIC_API_KEY=",
    ] {
        assert!(env.lines().any(|entry| entry == line), "{line} is not in {env}");
    }
    assert_eq!(setting.left("seen"), "");
    assert_eq!(contents(&setting.home), before);
    assert_fit(&server);
    // B26: which backend it was is said at the end.
    let said = lossy(&output.stderr);
    assert!(said.contains(&format!("qvm: model: {} (upstream)", server.upstream())), "{said}");
}

/// An ordinary caller, and a tool that writes a file of the caller's without asking.
#[test]
fn an_ordinary_user_lets_it_write() {
    let setting = Setting::new();
    let path = setting.scene.file("made by claude");
    let input = json!({"file_path": path, "content": "written\n"});
    let server = Scripted::on_loopback(with_one_call("Write", input));
    let cache = setting.scene.top.path().join("cache");
    let image = another_cache(&cache, &[]);
    // Claude with it, so that nothing has to be fetched.
    for layer in fs::read_dir(e2e::model::cache().join("layers")).unwrap().flatten() {
        let manifest = fs::read_to_string(layer.path().join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        if manifest["packages"].as_array().unwrap().iter().all(|agent| agent["name"] == "claude") {
            let copy = cache.join("layers").join(layer.file_name());
            fs::create_dir_all(&copy).unwrap();
            for name in ["manifest.json", "layer.erofs"] {
                fs::copy(layer.path().join(name), copy.join(name)).unwrap();
            }
        }
    }
    for dir in [&setting.scene.workspace, &setting.home, &cache, &image] {
        give(dir, NOBODYS);
    }
    let mut qvm = setting.with(&server);
    qvm.env("QVM_CACHE", &cache).arg("--").args(CLAUDE).args(["-p", "make a file"]);
    let output = ordinary(NOBODYS, &qvm).output().unwrap();
    assert_eq!(stdout(&output), "All-done.\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "written\n");
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&path).unwrap());
    assert_eq!(owner, ordinary_uid(NOBODYS));
    assert_fit(&server);
}

/// What is on a terminal, without escape sequences and blanks: Claude moves the cursor instead.
fn squeezed(screen: &str) -> String {
    let mut text = String::new();
    let mut rest = screen.chars();
    while let Some(c) = rest.next() {
        if c == '\x1b' {
            if rest.next() == Some('[') {
                // A control sequence ends with a letter.
                rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if !c.is_whitespace() && !c.is_control() {
            text.push(c);
        }
    }
    text
}

/// D04, D05: the whole interface on a terminal, from a fresh start to an answer and the end: no
/// question on the way, and a command is run without asking.
#[test]
fn the_interface_answers_with_no_wizard() {
    let setting = Setting::new();
    let input = json!({"command": "echo ran > ran", "description": "Run it"});
    let server = Scripted::on_loopback(with_one_call("Bash", input));
    let terminal = Terminal::new();
    let before = terminal.modes();
    let mut qvm = setting.with(&server);
    qvm.arg("--").args(CLAUDE);
    let mut child = terminal.spawn(&qvm);
    let seen = |what: &str| {
        e2e::processes::until(what, || squeezed(&terminal.screen()).contains(what).then_some(()));
    };
    seen("bypasspermissionson");
    // What is typed and Enter must not come as one paste.
    terminal.type_in("run the command");
    seen("runthecommand");
    terminal.type_in("\r");
    seen("All-done.");
    assert_eq!(setting.left("ran"), "ran\n");
    terminal.type_in("/exit");
    seen("ExittheCLI");
    terminal.type_in("\r");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", terminal.screen());
    terminal.wait_for_modes(&before);
    let shown = squeezed(&terminal.screen());
    for wizard in [
        "Choosethetextstyle",
        "Selectloginmethod",
        "Securitynotes",
        "trustthisfolder",
        "Doyoutrust",
        "Yes,Iaccept",
        "No,exit",
        "customAPIkey",
        "Doyouwantto",
        "Unabletoconnect",
        "/login",
    ] {
        assert!(!shown.contains(wizard), "{wizard} is in {shown}");
    }
    assert_fit(&server);
}
