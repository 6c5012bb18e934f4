//! A root whose systemd runs under the agent's rules.

use std::{fs, path::Path, process::Output};

use e2e::{Scene, assert_refused, closure::systemd, lossy, stdout, terminal::Terminal};
use serde_json::json;

fn run(scene: &Scene, image: &Path, options: &[&str], script: &str) -> Output {
    let mut qvm = scene.qvm();
    qvm.arg("--image").arg(image).args(options).args(["--", "sh", "-c", script]);
    qvm.output().unwrap()
}

/// systemd is PID 1 of what commands see, and up before the first; a command has a cgroup of its
/// own, the workspace, its status; what it leaves behind ends, and the workspace is flushed.
#[test]
fn commands_run_inside() {
    let scene = Scene::new();
    let (root, _) = systemd(&scene.top.path().join("systemd"));
    fs::write(scene.file("kept"), "kept").unwrap();
    let script = "
        echo first $(cat /proc/1/comm)
        echo state $(systemctl is-system-running)
        echo units $(systemctl is-active greeting.service idle.service)
        echo service $(cat /run/greeting)
        echo mine $(cat /proc/self/cgroup) $(cat /proc/1/cgroup)
        echo kind $(systemd-detect-virt --container)
        touch /sys/kernel/uevent_helper 2>/dev/null || echo sys is read-only
        sleep 1000 & echo left $! > out
        systemctl stop idle.service && echo stopped $(systemctl is-active idle.service)
        exit 9";
    let output = run(&scene, &root.image(), &[], script);
    let said = lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(9), "{said}{}", lossy(&output.stderr));
    for line in [
        "first systemd",
        "state running",
        "units inactive active",
        "mine 0::/command-1 0::/init.scope",
        "kind container-other",
        "sys is read-only",
        "stopped inactive",
    ] {
        assert!(said.lines().any(|other| other == line), "{line:?} is not in:\n{said}");
    }
    assert!(said.contains("0::/system.slice/greeting.service"), "{said}");
    assert!(fs::read_to_string(scene.file("out")).unwrap().starts_with("left "));
    assert_eq!(fs::read_to_string(scene.file("kept")).unwrap(), "kept");
}

/// On a terminal, with `qvm exec` beside it; signals and sizes arrive, and so does the status.
#[test]
fn a_shell_inside() {
    let scene = Scene::new();
    let (root, _) = systemd(&scene.top.path().join("systemd"));
    let terminal = Terminal::new();
    let name = format!("systemd-{}", std::process::id());
    let mut qvm = scene.qvm();
    qvm.arg("--image").arg(root.image()).args(["--name", &name]);
    let mut child = terminal.spawn(&qvm);
    terminal.type_in("echo $(cat /proc/1/comm)-$((1+1)); tty; sleep 600\r");
    terminal.wait_for("systemd-2");
    terminal.wait_for("/dev/pts/");
    let mut exec = std::process::Command::new(e2e::qvm_binary());
    exec.args(["exec", &name, "--", "cat", "/proc/1/comm", "/proc/self/cgroup"]);
    exec.stdin(std::process::Stdio::null());
    assert_eq!(stdout(&exec.output().unwrap()), "systemd\n0::/command-2\n");
    terminal.type_in("\x03");
    terminal.type_in("echo status-$?\r");
    terminal.wait_for("status-130");
    terminal.type_in("exit 5\r");
    assert_eq!(child.wait().unwrap().code(), Some(5), "{}", terminal.screen());
}

/// A machine whose systemd ends is over, in one line, whatever its command does.
#[test]
fn the_end_of_systemd_is_the_end() {
    let scene = Scene::new();
    let (root, _) = systemd(&scene.top.path().join("systemd"));
    let output = run(
        &scene,
        &root.image(),
        &["--guest-root"],
        "systemctl poweroff --force --force 2>/dev/null; sleep 1000",
    );
    assert_refused(&output, &["cannot go on", "systemd was ended by signal"]);
    assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
}

/// One that fails at once, and one that is none.
#[test]
fn no_systemd_no_command() {
    let scene = Scene::new();
    let (root, mut guest) = systemd(&scene.top.path().join("systemd"));
    root.file("failing", "#!/bin/sh\necho no cgroups for me; exit 1\n", 0o755);
    for (program, words) in [
        ("/failing", ["systemd ended with status 1", "no cgroups for me"]),
        ("/nothing", ["cannot start /nothing", "No such file"]),
    ] {
        guest["systemd"] = json!(program);
        root.guest(&guest);
        let output = run(&scene, &root.image(), &[], "touch started");
        assert_refused(&output, &words);
        assert!(!scene.file("started").exists());
    }
}
