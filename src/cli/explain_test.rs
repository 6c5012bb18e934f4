#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    policy::sys,
    spec::{Caller, Output, Publish, Share},
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
        image: None,
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
    Described::new(&plan(&real), Image { digest: "abc".into(), built: false }, &support())
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
