//! The command: arguments, environment, exit status.

use std::ffi::OsStr;
use std::os::unix::{ffi::OsStrExt, process::ExitStatusExt};

use e2e::{Scene, lossy, stdout};

/// A01: argv byte for byte, also what a shell or a parser would mangle.
#[test]
fn arguments_arrive_byte_for_byte() {
    let scene = Scene::new();
    let odd: &[&[u8]] = &[
        b"",
        b" ",
        b"two words",
        b"--",
        b"-d",
        b"*",
        b"$HOME",
        b"`id`",
        b"a\nb",
        b"\xff\xfe\x80",
        b"'\"\\",
        "ü".as_bytes(),
    ];
    let mut argv: Vec<&OsStr> =
        ["python3", "-c", "import sys,os\nfor a in sys.argv[1:]: print(os.fsencode(a).hex())"]
            .iter()
            .map(OsStr::new)
            .collect();
    argv.extend(odd.iter().map(|a| OsStr::from_bytes(a)));
    let printed = stdout(&scene.run(argv));
    let expected: String = odd
        .iter()
        .map(|a| a.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n")
        .collect();
    assert_eq!(printed, expected);
}

/// Design section 4: the command's own status; 126, 127; 128+N.
#[test]
fn exit_status_is_the_commands() {
    let scene = Scene::new();
    std::fs::write(scene.file("plain"), "no program").unwrap();
    for (script, expected) in [
        (vec!["sh", "-c", "exit 0"], 0),
        (vec!["sh", "-c", "exit 7"], 7),
        (vec!["sh", "-c", "exit 255"], 255),
        (vec!["no-such-program"], 127),
        (vec!["./plain"], 126),
        (vec!["sh", "-c", "kill -KILL $$"], 137),
        (vec!["sh", "-c", "kill -TERM $$"], 143),
    ] {
        let output = scene.run(&script);
        assert_eq!(output.status.code(), Some(expected), "{script:?}: {}", lossy(&output.stderr));
        assert_eq!(output.status.signal(), None);
    }
}

/// A22, A10: nothing of the host's environment but the allow-list; the caller exists in the guest.
#[test]
fn environment_and_user() {
    let scene = Scene::new();
    let output = scene
        .qvm()
        .env("AWS_SECRET_ACCESS_KEY", "leak-me-not")
        .env("TZ", "Europe/Paris")
        .env("GIVEN", "from host")
        .args(["-e", "GIVEN", "-e", "SET=a=b c"])
        .args(["--", "sh", "-c", "env; echo id=$(id -u):$(id -g); echo name=$(id -un); echo cwd=$PWD; touch made; test -d \"$HOME\" && echo home-exists"])
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(!text.contains("leak-me-not"), "{text}");
    for line in ["TZ=Europe/Paris", "GIVEN=from host", "SET=a=b c", "home-exists"] {
        assert!(text.lines().any(|l| l == line), "{line} is not in {text}");
    }
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    assert!(text.contains(&format!("id={uid}:{gid}\n")), "{text}");
    assert!(text.contains(&format!("cwd={}\n", scene.workspace.display())), "{text}");
    let made = std::fs::metadata(scene.file("made")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), uid, "owned by the caller");
}

/// A14, A15, issue item 5: what programs in the guest count on.
#[test]
fn the_guest_is_whole() {
    let scene = Scene::new();
    let text = stdout(&scene.sh(
        "set -e
         grep -q '^cgroup2 /sys/fs/cgroup' /proc/mounts && echo cgroup2
         test -c /dev/ptmx && test -d /dev/pts && echo devpts
         unshare -Ur id -u
         ping -c1 -W1 127.0.0.1 >/dev/null 2>&1 || python3 -c 'import socket; s=socket.socket(); s.bind((\"127.0.0.1\",0)); s.listen(); socket.create_connection(s.getsockname()); print(\"loopback\")'
         test \"$(ls /sys/class/net)\" = lo && echo only-lo
         mount | grep -q ' / type overlay' && echo overlay
         touch /root-is-writable 2>/dev/null || touch /tmp/x && echo scratch
         grep -cw avx2 /proc/cpuinfo
         for p in git rg curl python3 node; do command -v $p >/dev/null || echo missing $p; done",
    ));
    for word in ["cgroup2", "devpts", "only-lo", "overlay", "scratch"] {
        assert!(text.lines().any(|l| l == word), "{word} is not in {text}");
    }
    assert!(!text.contains("missing"), "{text}");
}

/// Issue item 5: the clock is right at the start.
#[test]
fn the_clock_is_right() {
    let scene = Scene::new();
    let seconds =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let before = seconds();
    let guest: u64 = stdout(&scene.sh("date +%s")).trim().parse().unwrap();
    assert!((before.saturating_sub(2)..=seconds() + 2).contains(&guest), "{guest} is not now");
}

/// `--timeout` ends the command with 124; a command that ignores SIGTERM too.
#[test]
fn timeout_ends_the_command() {
    let scene = Scene::new();
    let output = scene.qvm().args(["--timeout", "1", "--", "sleep", "600"]).output().unwrap();
    assert_eq!(output.status.code(), Some(124), "{}", lossy(&output.stderr));
    let output = scene
        .qvm()
        .args(["--timeout", "1", "--", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(124), "{}", lossy(&output.stderr));
}

/// A28: one JSON object about the run, apart from the command's own output.
#[test]
fn json_tells_about_the_run() {
    let scene = Scene::new();
    let output =
        scene.qvm().args(["--json", "--", "sh", "-c", "echo out; exit 3"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(lossy(&output.stdout), "out\n");
    let stderr = lossy(&output.stderr);
    let object: serde_json::Value = serde_json::from_str(stderr.trim()).unwrap();
    assert_eq!(object["status"], 3);
    assert_eq!(object["accel"], e2e::accel());
    assert!(object["phases"]["total"].as_f64().unwrap() > 0.0);
}
