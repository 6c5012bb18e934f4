//! A root that is not Debian's: nothing in the agent assumes a distribution.

use std::{fs, path::Path, process::Output};

use e2e::{
    Scene, assert_refused,
    closure::{Root, nixos, store},
    lossy, stdout,
    terminal::Terminal,
};
use serde_json::json;

/// A scene and a root beside its workspace.
fn scene() -> (Scene, Root, serde_json::Value) {
    let scene = Scene::new();
    let (root, guest) = nixos(&scene.top.path().join("nixos"));
    (scene, root, guest)
}

fn run(scene: &Scene, image: &Path, options: &[&str], argv: &[&str]) -> Output {
    scene.qvm().arg("--image").arg(image).args(options).arg("--").args(argv).output().unwrap()
}

/// What the image says holds: `PATH`, variables under the host's, links, activation as root; what
/// is everybody's holds, too: user, home, workspace, status.
#[test]
fn a_command_in_a_closure() {
    let (scene, root, _) = scene();
    fs::write(scene.file("in"), "from the host\n").unwrap();
    let script = "set -eu
        echo path $PATH
        echo variables $NIX_PATH $MINE $SHELL
        echo user $(id -un):$(id -u) $HOME
        test -d \"$HOME\" && test -w \"$HOME\"
        echo roots $(ls /)
        echo links $(readlink /run/current-system /run/wrappers)
        echo activated $(cat /run/activated)
        echo env $(/usr/bin/env printenv MINE)
        echo hosts $(grep -c theirs /etc/hosts || true) $(grep -c ^ID=nixos /etc/os-release)
        echo users $(grep -c ^nixbld1: /etc/passwd) $(grep -c \":$(id -u):\" /etc/passwd) $(grep -c ^root: /etc/group)
        echo store $(cat /nix/store/*-etc/etc/hosts) $(stat -c %a /etc/passwd)
        cat in; echo from the guest > out
        exit 7";
    let output = run(&scene, &root.image(), &["-e", "MINE=host"], &["sh", "-c", script]);
    let said = lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{said}{}", lossy(&output.stderr));
    let home = std::env::var("HOME").unwrap();
    let id = |flag: &str| {
        let known = std::process::Command::new("id").arg(flag).output().unwrap();
        lossy(&known.stdout).trim_end().to_owned()
    };
    let roots = said.lines().find_map(|line| line.strip_prefix("roots ")).unwrap();
    for (name, there) in [("nix", true), ("etc", true), ("lib", false), ("lib64", false)] {
        assert_eq!(roots.split(' ').any(|other| other == name), there, "{name} in {roots}");
    }
    for line in [
        "path /run/wrappers/bin:/run/current-system/sw/bin".into(),
        "variables nixpkgs=flake:nixpkgs host /run/current-system/sw/bin/bash".into(),
        format!("user {}:{} {home}", id("-un"), id("-u")),
        format!("links {} /nix/store/no-wrappers", store("nixos-system")),
        "activated 0".into(),
        "env host".into(),
        "hosts 0 1".into(),
        "users 1 1 1".into(),
        "store 127.0.0.1 theirs 644".into(),
        "from the host".into(),
    ] {
        assert!(said.lines().any(|other| other == line), "{line:?} is not in:\n{said}");
    }
    assert_eq!(fs::read_to_string(scene.file("out")).unwrap(), "from the guest\n");
}

/// Without a command the image's own shell reads the image's own profile; a second command of
/// `qvm exec` finds the same.
#[test]
fn a_login_shell_and_a_second_command() {
    let (scene, root, _) = scene();
    let terminal = Terminal::new();
    let name = format!("closure-{}", std::process::id());
    let mut qvm = scene.qvm();
    qvm.arg("--image").arg(root.image()).args(["--name", &name]);
    let mut child = terminal.spawn(&qvm);
    terminal.type_in("shopt -q login_shell && echo $PROFILE-$((1+1))-$0; stty size; tty\r");
    terminal.wait_for("read-2--bash");
    terminal.wait_for("30 100");
    terminal.wait_for("/dev/pts/");
    let exec = |words: &[&str]| {
        let mut exec = std::process::Command::new(e2e::qvm_binary());
        exec.args(["exec", &name, "--"]).args(words);
        exec.stdin(std::process::Stdio::null()).output().unwrap()
    };
    assert_eq!(stdout(&exec(&["printenv", "NIX_PATH"])), "nixpkgs=flake:nixpkgs\n");
    assert_eq!(exec(&["no-such-program"]).status.code(), Some(127));
    // A program of this machine, whose loader would be in /lib64.
    fs::copy("/usr/bin/true", scene.file("foreign")).unwrap();
    let foreign = exec(&["./foreign"]);
    assert_eq!(foreign.status.code(), Some(126));
    assert!(lossy(&foreign.stderr).contains("the loader"), "{}", lossy(&foreign.stderr));
    terminal.type_in("exit 3\r");
    assert_eq!(child.wait().unwrap().code(), Some(3), "{}", terminal.screen());
}

/// An activation that fails ends the boot, with its own last words.
#[test]
fn a_failed_activation_is_quoted() {
    let (scene, root, mut guest) = scene();
    let bash = store("bash-5") + "/bin/bash";
    guest["activate"] =
        json!([bash, "-c", "echo first; printf '\\033[31mno users\\033[0m\\n' >&2; exit 4"]);
    root.guest(&guest);
    let output = run(&scene, &root.image(), &[], &["touch", "started"]);
    assert_refused(&output, &["activation", &bash, "status 4", "first / no users"]);
    assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
    assert!(!scene.file("started").exists());
}

/// What is wrong with `guest.json` is said in one line, and nothing is run.
#[test]
fn a_broken_guest_json_is_named() {
    let (scene, root, _) = scene();
    for (text, words) in [
        ("{\"shel\": \"/bin/sh\"}", ["/etc/qvm/guest.json", "unknown field `shel`"]),
        ("{\"links\": {\"/usr/bin/env\": \"/x\"}}", ["/etc/qvm/guest.json", "no path below /run"]),
    ] {
        root.file(e2e::closure::GUEST, text, 0o644);
        let output = run(&scene, &root.image(), &[], &["touch", "started"]);
        assert_refused(&output, &words);
        assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
        assert!(!scene.file("started").exists());
    }
}
