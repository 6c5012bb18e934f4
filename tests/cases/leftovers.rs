//! However qvm ends, nothing of it remains.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use e2e::{
    Scene, lossy,
    processes::{alive, descendants, of_a_machine, sockets, until, words},
};
use rustix::process::{Pid, Signal, kill_process};

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, Signal::KILL);
}

fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap()
}

fn start(scene: &Scene) -> Child {
    scene
        .qvm()
        .args(["--name", &name(scene), "--", "sh", "-c", "echo up; sleep 600"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn name(scene: &Scene) -> String {
    scene.top.path().file_name().unwrap().to_str().unwrap().to_owned()
}

fn wait_until_up(child: &mut Child) {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
}

fn assert_nothing_left(scene: &Scene, processes: &BTreeSet<u32>, mounts_before: &str) {
    until("its processes are gone", || (!processes.iter().any(|p| alive(*p))).then_some(()));
    until("its socket is gone", || {
        (!sockets().iter().any(|s| s.ends_with(&name(scene)))).then_some(())
    });
    assert_eq!(mounts(), mounts_before);
    assert_eq!(std::fs::read_dir(&scene.workspace).unwrap().count(), 0);
}

/// SIGKILL of qvm itself, at moments from the first process to the running command.
#[test]
fn qvm_killed_at_any_time() {
    for delay in [0, 30, 100, 300, 1000, 3000] {
        let scene = Scene::new();
        let before = mounts();
        let mut child = start(&scene);
        std::thread::sleep(Duration::from_millis(delay));
        let processes = descendants(child.id());
        kill(child.id());
        child.wait().unwrap();
        assert_nothing_left(&scene, &processes, &before);
    }
    let scene = Scene::new();
    let before = mounts();
    let mut child = start(&scene);
    wait_until_up(&mut child);
    let processes = descendants(child.id());
    assert!(processes.len() >= of_a_machine(), "{processes:?}");
    kill(child.id());
    child.wait().unwrap();
    assert_nothing_left(&scene, &processes, &before);
}

/// SIGKILL of each of its processes while the command runs: status 125, one line, nothing left.
#[test]
fn each_process_killed() {
    let scene = Scene::new();
    let before = mounts();
    let mut killed = BTreeSet::new();
    loop {
        let mut child = start(&scene);
        wait_until_up(&mut child);
        let processes = descendants(child.id());
        let victim = processes.iter().copied().find(|pid| !killed.contains(&role(*pid)));
        let Some(victim) = victim else {
            kill(child.id());
            child.wait().unwrap();
            assert_nothing_left(&scene, &processes, &before);
            break;
        };
        let role = role(victim);
        killed.insert(role.clone());
        kill(victim);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(125), "killed {role}: {}", lossy(&output.stderr));
        assert!(
            lossy(&output.stderr).starts_with("qvm: "),
            "killed {role}: {}",
            lossy(&output.stderr)
        );
        assert_nothing_left(&scene, &processes, &before);
    }
    assert!(killed.len() >= of_a_machine(), "{killed:?}");
}

/// What kind of process it is: its program and the hidden sub-command.
fn role(pid: u32) -> String {
    let words = words(pid);
    let program =
        words.first().map(|w| w.rsplit('/').next().unwrap_or(w).to_owned()).unwrap_or_default();
    let hidden = words.iter().find(|w| w.starts_with("__")).cloned().unwrap_or_default();
    format!("{program} {hidden}")
}

/// The orderly ends: success, failure, SIGTERM, SIGINT while it boots.
#[test]
fn orderly_ends() {
    let scene = Scene::new();
    let before = mounts();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut child = start(&scene);
        until("its processes are up", || {
            (descendants(child.id()).len() >= of_a_machine()).then_some(())
        });
        let processes = descendants(child.id());
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status));
        assert_nothing_left(&scene, &processes, &before);
    }
    assert!(scene.sh("true").status.success());
    assert_nothing_left(&scene, &BTreeSet::new(), &before);
}
