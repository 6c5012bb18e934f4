#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    policy::sys,
    serve::{Choice, Upstream},
    spec::{Caller, LocalModel, Model, Output, Publish, Share},
};

fn plan(dir: &Path) -> Plan {
    let share = |tag: &str, guest: &Path, read_only| Share {
        tag: tag.into(),
        host: dir.to_path_buf(),
        dir: sys::open_directory(dir).unwrap(),
        guest: guest.to_path_buf(),
        read_only,
    };
    let spec = Spec {
        shares: vec![share("workspace", dir, false), share("share1", Path::new("/mnt/a"), true)],
        argv: vec!["sh".into(), "-c".into(), "exit\x1b 7".into()],
        env: vec![("TOKEN".into(), "hush".into())],
        workdir: dir.to_path_buf(),
        publish: vec![Publish { ip: "::1".parse().unwrap(), host_port: 8080, guest_port: 80 }],
        memory: 1 << 30,
        cpus: 2,
        name: "box".into(),
        timeout: Some(std::time::Duration::from_millis(1500)),
        accel: Accel::Tcg,
        accel_reason: "asked".into(),
        qemu: Some("/q".into()),
        caller: Caller { name: "me".into(), group: "us".into(), uid: 1, gid: 2, home: "/h".into() },
        model: None,
        log_requests: None,
        arch: guest_image::Arch::HOST,
        image: None,
        kernel: None,
        image_flake: None,
        flake: None,
        shell: Vec::new(),
        agents: crate::policy::agents::Agents::default(),
        guest_root: false,
        nested: false,
        icount: None,
        output: Output::default(),
    };
    Plan { spec, notes: vec!["slow".into()] }
}

fn support() -> Support {
    let active = || confine::State::Active { detail: "x".into() };
    let landlock = confine::State::Missing { why: "old kernel".into() };
    Support { user_namespace: active(), namespaces: active(), landlock, seccomp: active() }
}

fn described() -> Described {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    describe(&plan(&real))
}

fn describe(plan: &Plan) -> Described {
    Described::new(
        plan,
        Image { digest: Some("abc".into()), built: false, flake: None, kernel: None },
        &support(),
    )
}

fn with_model(model: Model, log_requests: Option<&str>) -> Described {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = plan(&dir.path().canonicalize().unwrap());
    plan.spec.model = Some(model);
    plan.spec.log_requests = log_requests.map(Into::into);
    plan.spec.env.push(("DISABLE_TELEMETRY".into(), "0".into()));
    describe(&plan)
}

fn local(id: &str, source: &str) -> Model {
    let choice = Choice::Id(id.into());
    Model::Local(LocalModel { id: id.into(), choice, source: source.into(), serve: Vec::new() })
}

fn names(described: &Described) -> Vec<&str> {
    described.processes.iter().map(|process| process.name.as_str()).collect()
}

#[test]
fn everything_that_crosses_is_named_and_no_value_of_a_variable() {
    let text = described().text();
    for part in [
        "box: 1 GiB",
        "tcg: asked",
        "abc (not built",
        "at /mnt/a, read-only",
        "read and write",
        "TOKEN",
        "1.5 s",
        "[::1]:8080 leads to port 80",
        "port 1024",
        "network      none",
        "model        none",
        "as me in",
        "slow",
        "qvm-fs serves share1",
        "qvm-qemu",
        "/q and its libraries",
        "no landlock (old kernel)",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("hush") && !text.contains('\x1b'), "{text}");
}

#[test]
fn programs_get_the_same() {
    let text = crate::cli::json(&described());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["shares"][1]["guest"], "/mnt/a");
    assert_eq!(value["shares"][1]["read_only"], true);
    assert_eq!(value["accel"], "tcg");
    assert_eq!(value["environment"][0], "TOKEN");
    assert_eq!(value["image"]["built"], false);
    let names: Vec<_> = value["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["qvm-fs", "qvm-fs", "qvm-vsock", "qvm-qemu"]);
    assert!(!text.contains("hush"));
}

#[test]
fn a_model_is_told_with_its_server_and_what_agents_get() {
    let described = with_model(local("small", "org/repo:a.gguf"), Some("/l/req\x1b.jsonl"));
    let text = described.text();
    for part in [
        "model        small (org/repo:a.gguf), by a server of qvm; at http://127.0.0.1:8080 in the",
        "request log  /l/req\\u{1b}.jsonl",
        "ANTHROPIC_BASE_URL",
        "GOOSE_CONTEXT_LIMIT",
        "/h/.claude.json",
        "port 8080",
        "port 8081",
        "qvm-bridge filters",
        "one of them the request log",
        "llama-server computes the model; sees the server's program",
        "no landlock (old kernel)",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let wanted = ["qvm-fs", "qvm-fs", "qvm-bridge", "qvm serve", "qvm-model", "llama-server"];
    assert_eq!(names(&described)[..6], wanted);
    // The caller's own goes before.
    assert_eq!(text.matches("DISABLE_TELEMETRY").count(), 1, "{text}");

    let value: serde_json::Value = serde_json::from_str(&crate::cli::json(&described)).unwrap();
    let model = &value["model"];
    assert_eq!(model["id"], "small");
    assert_eq!(model["source"], "org/repo:a.gguf");
    assert_eq!(model["address"], "http://127.0.0.1:8080");
    assert_eq!(value["processes"][3]["layers"].as_array().unwrap().len(), 0);
}

#[test]
fn a_server_that_runs_already_decides() {
    let other = with_model(Model::Upstream(Upstream::Unix("/run/x.sock".into())), None);
    let text = other.text();
    assert!(text.contains("what unix:/run/x.sock serves; at http"), "{text}");
    assert!(!text.contains("request log"), "{text}");
    assert!(names(&other).contains(&"qvm-bridge") && !names(&other).contains(&"qvm serve"));
    let value: serde_json::Value = serde_json::from_str(&crate::cli::json(&other)).unwrap();
    assert_eq!(value["model"]["served_by"], "upstream");

    let own = with_model(Model::Running, None);
    assert!(own.text().contains("what `qvm serve`, which runs, serves; at http"));
    assert!(names(&own).contains(&"qvm-model"));
}
