//! What the guest must not reach.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::symlink,
    process::Stdio,
};

use e2e::{
    CANARY, Scene, canary_intact, lossy,
    processes::{descendants, of_a_machine},
    stdout,
};

/// A04, A09: nothing beside the workspace, by whatever way.
#[test]
fn canaries_are_out_of_reach() {
    let scene = Scene::new();
    let secret = scene.sibling.join("secret");
    symlink(&secret, scene.file("link")).unwrap();
    symlink("../sibling", scene.file("dirlink")).unwrap();
    symlink("/etc/hostname", scene.file("etclink")).unwrap();
    let home = tempfile::Builder::new()
        .prefix(".qvm-e2e-")
        .tempdir_in(std::env::var_os("HOME").unwrap())
        .unwrap();
    let in_home = home.path().join("secret");
    fs::write(&in_home, CANARY).unwrap();
    let script = format!(
        "cat link dirlink/secret ../sibling/secret '{}' '{}' 2>/dev/null
         ln link hard 2>/dev/null && cat hard
         ln -s '{}' made && cat made 2>/dev/null
         cat \"$PWD/../sibling/secret\" /proc/1/root'{}' /proc/self/cwd/../sibling/secret 2>/dev/null
         ls -A .. | grep -v '^work space$'
         grep -rl canary-5d1c / --include=secret 2>/dev/null
         ls -A \"$HOME\"
         echo end; hostname; cat etclink",
        secret.display(), in_home.display(), secret.display(), secret.display(),
    );
    let text = stdout(&scene.sh(&script));
    assert!(!text.contains("canary"), "{text}");
    assert!(!text.contains("sibling"), "{text}");
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let after = text.split_once("end\n").unwrap().1;
    assert!(
        !after.lines().any(|l| !host.trim().is_empty() && l == host.trim()),
        "{after} against {host}"
    );
    assert!(canary_intact(&secret) && canary_intact(&in_home));
}

/// A02: `rm -rf /` in the guest; siblings untouched; the next boot is clean.
#[test]
fn havoc_is_forgotten() {
    let scene = Scene::new();
    fs::write(scene.file("mine"), "x").unwrap();
    // Without /proc and /sys, where it would refuse for minutes and harm nothing.
    let script = "umount -l /sys /proc; rm -rf --no-preserve-root / 2>/dev/null; test -e /usr/bin/git || echo gone";
    let output = scene.qvm().args(["--guest-root", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(lossy(&output.stdout), "gone\n", "{}", lossy(&output.stderr));
    assert!(!scene.file("mine").exists(), "the workspace is the guest's to delete");
    assert!(canary_intact(&scene.sibling.join("secret")));
    assert!(scene.workspace.is_dir());
    let text = stdout(&scene.sh("ls / && test -x /usr/bin/git && echo clean"));
    assert!(text.contains("clean"), "{text}");
}

/// C01, C02, C04: no network, no host services, no vsock port but the agent's own.
#[test]
fn no_network_and_no_other_port() {
    let scene = Scene::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let script = format!(
        r#"
import socket, errno, os
print("nics", sorted(os.listdir("/sys/class/net")))
for host in ("127.0.0.1", "10.0.2.2", "192.168.0.1", "169.254.169.254", "::1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family); s.settimeout(3)
    try:
        s.connect((host, {port})); print("REACHED", host)
    except OSError: pass
try:
    socket.getaddrinfo("example.com", 80); print("RESOLVED")
except OSError: pass
open_ports = []
ports = list(range(1, 64)) + [80, 443, 1023, 1025, 1026, 8080, 8081, {port}, 0xfffffffe]
for cid, p in [(2, p) for p in ports] + [(c, p) for c in (0, 1, 3, 4, 0xffffffff) for p in (1024, {port})]:
    if True:
        s = socket.socket(socket.AF_VSOCK); s.settimeout(2)
        try:
            s.connect((cid, p)); open_ports.append((cid, p))
        except OSError: pass
        s.close()
print("open", open_ports)
"#
    );
    let text = stdout(&scene.run(["python3", "-c", &script]));
    assert_eq!(text, "nics ['lo']\nopen []\n");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

/// A05: a read-only share is read-only in the device, whatever root in the guest does.
#[test]
fn read_only_is_not_the_guests_choice() {
    let scene = Scene::new();
    let share = scene.top.path().join("given");
    fs::create_dir(&share).unwrap();
    fs::write(share.join("kept"), "old").unwrap();
    let script = "mount -o remount,rw /given 2>/dev/null; mkdir -p /again; mount -t virtiofs share1 /again 2>/dev/null
        for d in /given /again; do echo new > $d/kept; touch $d/more; rm -f $d/kept; mkdir $d/sub; ln -s x $d/sym; mv $d/kept $d/moved; chmod 600 $d/kept; truncate -s0 $d/kept; done 2>/dev/null
        cat /given/kept";
    let output = scene
        .qvm()
        .arg("-v")
        .arg(format!("{}:/given:ro", share.display()))
        .args(["--guest-root", "--", "sh", "-c", script])
        .output()
        .unwrap();
    assert_eq!(lossy(&output.stdout).trim(), "old", "{}", lossy(&output.stderr));
    assert_eq!(fs::read_dir(&share).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(share.join("kept")).unwrap(), "old");
}

/// A program in the guest that passes for the agent, or floods its port, gets nowhere.
#[test]
fn the_agents_port_withstands_the_guest() {
    let scene = Scene::new();
    let script = r#"
import socket, os, struct
held = []
for i in range(1500):
    s = socket.socket(socket.AF_VSOCK); s.settimeout(2)
    try:
        s.connect((2, 1024))
        s.send(struct.pack("<I", 0xffffffff) + os.urandom(64) if i % 3 == 0 else os.urandom(90) if i % 3 == 1 else b"")
        if i % 3 == 2 and len(held) < 400: held.append(s)
        else: s.close()
    except OSError: s.close()
print("survived")
"#;
    let output = scene.run(["python3", "-c", script]);
    assert_eq!(stdout(&output), "survived\n");
    assert_eq!(output.stderr, b"");
}

/// A05: so is a read-only workspace, and git can still look at it.
#[test]
fn a_read_only_workspace_stays_as_it_is() {
    let scene = Scene::new();
    fs::write(scene.file("kept"), "old").unwrap();
    let script = "w=$PWD; mount -o remount,rw \"$w\" 2>/dev/null; mkdir /again; mount -t virtiofs workspace /again 2>/dev/null
        for d in \"$w\" /again; do echo new > $d/kept; touch $d/more; rm -f $d/kept; mkdir $d/sub; mkfifo $d/pipe; mv $d/kept $d/moved; chmod 777 $d/kept; done 2>/dev/null
        cat \"$w/kept\"; ls \"$w\"";
    for options in
        [["--read-only-workspace"].as_slice(), &["--guest-root", "--read-only-workspace"]]
    {
        let before = fs::metadata(scene.file("kept")).unwrap();
        let output = scene.qvm().args(options).args(["--", "sh", "-c", script]).output().unwrap();
        assert_eq!(lossy(&output.stdout), "oldkept\n", "{}", lossy(&output.stderr));
        assert_eq!(fs::read_dir(&scene.workspace).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(scene.file("kept")).unwrap(), "old");
        let after = fs::metadata(scene.file("kept")).unwrap();
        assert_eq!(after.permissions(), before.permissions());
        assert_eq!(after.modified().unwrap(), before.modified().unwrap());
    }
}

/// A22: what `-e` passes reaches the command, and no process of the machine's has it in its
/// command line or environment, where others of the host could look.
#[test]
fn secrets_are_not_in_process_lists() {
    let scene = Scene::new();
    let mut child = scene
        .qvm()
        .env("TOKEN", "hush-7e19")
        .args(["-e", "TOKEN", "-e", "GIVEN=hush-7e19", "--", "sh", "-c", "echo $TOKEN $GIVEN; cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "hush-7e19 hush-7e19\n");
    let processes = descendants(child.id());
    assert!(processes.len() >= of_a_machine(), "{processes:?}");
    for pid in &processes {
        for name in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap();
            assert!(!lossy(&bytes).contains("hush"), "{name} of {pid}: {}", lossy(&bytes));
        }
    }
    // Only who puts the value itself on the command line shows it there.
    let own = e2e::processes::words(child.id());
    assert_eq!(
        own.iter().filter(|word| word.contains("hush")).collect::<Vec<_>>(),
        ["GIVEN=hush-7e19"]
    );
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
