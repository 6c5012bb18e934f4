//! The workspace: real tools on it, and what the host sees afterwards.

use std::{fs, os::unix::fs::MetadataExt, process::Command};

use e2e::{Scene, lossy, stdout};

/// A03: git clone, commit, rebase, and the host's git agrees.
#[test]
fn git_works_and_the_host_agrees() {
    let scene = Scene::new();
    let script = "set -e
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        git init -q -b main origin; cd origin
        for i in $(seq 1 20); do echo $i > f$i; git add f$i; git commit -qm c$i; done
        cd ..; git clone -q origin clone; cd clone
        git checkout -q -b side HEAD~5; echo side > side; git add side; git commit -qm side
        git rebase -q main; git gc -q; git fsck --strict
        git status --porcelain; git log --oneline | wc -l";
    assert_eq!(stdout(&scene.sh(script)).trim(), "21");
    let clone = scene.file("clone");
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "-C"])
            .arg(&clone)
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", lossy(&output.stderr));
        lossy(&output.stdout)
    };
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["log", "--oneline"]).lines().count(), 21);
    let uid = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(&clone).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().uid(), uid, "{:?}", entry.path());
    }
}

/// The issue's cargo build: the host's toolchain, shared read-only, builds in the workspace.
#[test]
fn cargo_builds_in_the_workspace() {
    let scene = Scene::new();
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    let sysroot = lossy(&sysroot.stdout).trim().to_owned();
    assert!(!sysroot.is_empty(), "the host needs rustc for this case");
    for (name, text) in [
        ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n"),
        ("a/Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("a/src/lib.rs", "pub fn sum(x: &[u64]) -> u64 { x.iter().sum() }\n"),
        (
            "b/Cargo.toml",
            "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\na = { path = \"../a\" }\n",
        ),
        ("b/src/lib.rs", "pub fn twice(x: &[u64]) -> u64 { 2 * a::sum(x) }\n"),
    ] {
        let path = scene.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // Libraries only: they need no linker in the guest, and exercise all of cargo's locks,
    // fingerprints, renames and hard links.
    let script = "set -e; export CARGO_HOME=/tmp/cargo PATH=/rust/bin:$PATH
        cargo build --offline 2>&1; cargo build --offline 2>&1 | grep -c Compiling || true
        touch a/src/lib.rs; cargo build --offline 2>&1 | grep -c Compiling; ls target/debug/*.rlib";
    let output = scene
        .qvm()
        .args(["--memory", "1024", "-v"])
        .arg(format!("{sysroot}:/rust:ro"))
        .args(["--", "sh", "-c", script])
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(text.contains("Finished"), "{text}");
    assert!(text.contains("\n0\n"), "a second build compiles nothing: {text}");
    assert!(text.contains("\n2\n"), "a changed file is noticed: {text}");
    assert!(text.contains("libb.rlib"), "{text}");
}

/// Semantics that editors, package managers and databases lean on.
#[test]
fn file_semantics() {
    let scene = Scene::new();
    let script = r#"
import os, mmap, fcntl, tempfile, stat, errno
w = os.getcwd()
# mmap, shared, written back
with open("mapped", "w+b") as f:
    f.truncate(8192)
    m = mmap.mmap(f.fileno(), 8192); m[4096:4100] = b"MMAP"; m.flush(); m.close()
assert open("mapped","rb").read()[4096:4100] == b"MMAP"
# O_TMPFILE and link
fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o644)
os.write(fd, b"anonymous")
os.link(f"/proc/self/fd/{fd}", "linked", src_dir_fd=os.open("/", os.O_PATH), follow_symlinks=True)
assert open("linked").read() == "anonymous"
# atomic rename over, exclusive create, append
open("a","w").write("1"); open("b","w").write("2"); os.replace("a","b"); assert open("b").read() == "1"
try: os.open("b", os.O_CREAT|os.O_EXCL); raise SystemExit("O_EXCL")
except FileExistsError: pass
with open("log","a") as f: f.write("x")
with open("log","a") as f: f.write("y")
assert open("log").read() == "xy"
# locks: whole-file and ranges, between processes
f = open("lock","w"); fcntl.flock(f, fcntl.LOCK_EX)
pid = os.fork()
if pid == 0:
    g = open("lock","w")
    try: fcntl.flock(g, fcntl.LOCK_EX|fcntl.LOCK_NB); os._exit(1)
    except BlockingIOError: os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]) == 0
r = open("range","w+"); r.write("0123456789"); r.flush(); fcntl.lockf(r, fcntl.LOCK_EX, 5, 0)
pid = os.fork()
if pid == 0:
    g = open("range","r+")
    fcntl.lockf(g, fcntl.LOCK_EX|fcntl.LOCK_NB, 5, 5)
    try: fcntl.lockf(g, fcntl.LOCK_EX|fcntl.LOCK_NB, 1, 4); os._exit(1)
    except OSError: os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]) == 0
# modes, hard links, symlinks, unlinked but open, xattr, sparse, long names
os.chmod("b", 0o751); assert stat.S_IMODE(os.stat("b").st_mode) == 0o751
os.chmod("b", 0o4755); assert not os.stat("b").st_mode & 0o4000, "setuid is stripped"
os.link("b","hard"); assert os.stat("hard").st_nlink == 2 and os.stat("hard").st_ino == os.stat("b").st_ino
os.symlink("b","sym"); assert os.readlink("sym") == "b" and open("sym").read() == "1"
f = open("gone","w+"); f.write("still"); f.flush(); os.unlink("gone"); f.seek(0); assert f.read() == "still"
os.setxattr("b", "user.test", b"v"); assert os.getxattr("b","user.test") == b"v"
try: os.setxattr("b", "trusted.test", b"v"); raise SystemExit("trusted xattr")
except OSError: pass
with open("sparse","wb") as f: f.seek(1<<30); f.write(b"x")
assert os.stat("sparse").st_blocks < 1000
os.mkdir("n"*255)
# many entries
os.mkdir("many")
for i in range(2000): open(f"many/{i:04}","w").close()
assert sorted(os.listdir("many")) == [f"{i:04}" for i in range(2000)]
# FIFOs and sockets work; device nodes do not
os.mkfifo("fifo")
if os.fork() == 0: open("fifo","w").write("through"); os._exit(0)
assert open("fifo").read() == "through"; os.wait()
import socket
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect("sock")
try: os.mknod("dev", 0o600|stat.S_IFCHR, os.makedev(1,3)); raise SystemExit("device node")
except OSError as e: assert e.errno in (errno.EPERM, errno.EACCES), e
print("ok")
"#;
    fs::write(scene.file("semantics.py"), script).unwrap();
    let output = scene.run(["python3", "semantics.py"]);
    assert_eq!(stdout(&output), "ok\n");
    assert_eq!(fs::metadata(scene.file("linked")).unwrap().len(), 9);
    assert!(!fs::symlink_metadata(scene.file("dev")).is_ok_and(|m| m.is_file()));
    assert_eq!(fs::metadata(scene.file("b")).unwrap().mode() & 0o7777 & 0o6000, 0);
}

/// A11: changes on one side are seen on the other while the machine runs.
#[test]
fn both_sides_see_changes_at_once() {
    use std::io::{BufRead, BufReader, Write};
    let scene = Scene::new();
    fs::write(scene.file("shared"), "one").unwrap();
    let mut child = scene.start(
        "cat shared; echo; read x; cat shared new; echo; echo from-guest > back; echo done; read x",
    );
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut input = child.stdin.take().unwrap();
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(line(), "one\n");
    fs::write(scene.file("shared"), "changed on the host, longer").unwrap();
    fs::write(scene.file("new"), "+new").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    writeln!(input).unwrap();
    assert_eq!(line(), "changed on the host, longer+new\n");
    assert_eq!(line(), "done\n");
    assert_eq!(fs::read_to_string(scene.file("back")).unwrap(), "from-guest\n");
    writeln!(input).unwrap();
    assert!(child.wait().unwrap().success());
}

/// D18: nothing is left in the workspace that the command did not put there.
#[test]
fn no_stray_files() {
    let scene = Scene::new();
    assert!(scene.sh("true").status.success());
    assert_eq!(fs::read_dir(&scene.workspace).unwrap().count(), 0);
}
