//! What qvm tells without starting anything.

use std::{fs, net::TcpListener, process::Command};

use e2e::{Scene, accel, assert_refused, lossy, processes::sockets, qvm_binary, stdout};

/// `--dry-run` prints the whole policy and does nothing of it.
#[test]
fn dry_run() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut qvm = scene.qvm();
    qvm.env("TOKEN", "hush-4c21").args(["-e", "TOKEN", "--name", "dry-e2e"]);
    qvm.args(["-p", &format!("{port}:80")]);
    qvm.arg("-v").arg(format!("{}:/given:ro", scene.sibling.display()));
    qvm.args(["--dry-run", "--", "touch", "made"]);
    let output = qvm.output().unwrap();
    let text = stdout(&output) + &lossy(&output.stderr);
    for words in [
        vec!["machine", "dry-e2e", "512 MiB"],
        vec!["engine", &accel()],
        vec!["touch", "made"],
        vec!["share", scene.workspace.to_str().unwrap(), "read and write"],
        vec!["share", scene.sibling.to_str().unwrap(), "/given", "read-only"],
        vec!["environment", "TOKEN"],
        vec!["network", "none"],
        vec!["vsock", "1024"],
        vec!["publish", "127.0.0.1", &port.to_string(), "80"],
        vec!["qvm-fs", "workspace"],
        vec!["qvm-fs", "share1"],
        vec!["qvm-vsock"],
        vec!["process", if accel() == "kvm" { "qvm-vmm" } else { "qvm-qemu" }],
        vec!["confined by"],
    ] {
        let told = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told, "no line with {words:?} in {text}");
    }
    assert!(!text.contains("hush-4c21"), "a secret is printed: {text}");
    assert_eq!(fs::read_dir(&scene.workspace).unwrap().count(), 0);
    assert!(!sockets().iter().any(|name| name.contains("dry-e2e")));

    // It passed although the port is taken: nothing listened. A real run needs it, and says so.
    let real = scene.qvm().args(["-p", &format!("{port}:80"), "--", "touch", "made"]).output();
    assert_refused(&real.unwrap(), &[&port.to_string(), "-p"]);
    assert_eq!(fs::read_dir(&scene.workspace).unwrap().count(), 0);
}

/// `doctor` succeeds where machines can run, and names what it will use, as `--dry-run` does.
#[test]
fn doctor_names_what_is_used() {
    let doctor = |args: &[&str]| {
        let output = Command::new(qvm_binary()).arg("doctor").args(args).output().unwrap();
        stdout(&output)
    };
    let text = doctor(&[]);
    let taken = ["kvm", "tcg"]
        .into_iter()
        .find(|kind| text.contains(&format!("`--accel auto` takes {kind}")))
        .unwrap_or_else(|| panic!("nothing is named in {text}"));
    for word in ["/dev/kvm", "qemu", "landlock", "seccomp", "qvm can run machines here"] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    assert!(serde_json::from_str::<serde_json::Value>(&doctor(&["--json"])).unwrap().is_object());

    let scene = Scene::new();
    let mut qvm = Command::new(qvm_binary());
    qvm.args(["--dry-run", "-d", scene.workspace.to_str().unwrap(), "--", "true"]);
    let policy = stdout(&qvm.output().unwrap());
    let engine = policy.lines().find(|line| line.starts_with("engine")).unwrap();
    assert!(engine.contains(taken), "doctor says {taken}, --dry-run {engine}");
}
