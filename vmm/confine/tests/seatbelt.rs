//! Profiles in force, on a Mac: that the system takes their text, and what it lets a program do.
//! Needs no virtualization.
#![cfg(target_os = "macos")]
#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use confine::State;
use confine::seatbelt::{Folder, Machine, Metal, PROGRAM, Server, support};

/// Says to the test program, started anew, what it may and may not see.
const INSIDE: &str = "QVM_TEST_INSIDE";

struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

/// Folders `shared`, `read` and `other`, each with a file.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for name in ["shared", "read", "other"] {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("file"), name).unwrap();
    }
    World { _folder: folder, root }
}

impl World {
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn machine(&self, program: &Path) -> Machine {
        Machine {
            program: program.into(),
            folders: vec![
                Folder { path: self.path("shared"), read_only: false },
                Folder { path: self.path("read"), read_only: true },
            ],
            given: vec![self.path("other/file")],
        }
    }

    /// Runs a program of the system as a machine's process.
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let profile = self.machine(Path::new(program)).arguments().unwrap();
        let mut command = start(profile, Path::new(program));
        command.args(arguments.iter().map(|argument| match argument.strip_prefix('@') {
            Some(path) => self.path(path).into_os_string(),
            None => OsString::from(argument),
        }));
        command.output().unwrap()
    }

    fn may(&self, program: &str, arguments: &[&str]) {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    }

    /// Refused by the sandbox, and not for want of something else: unconfined it works.
    fn may_not(&self, program: &str, arguments: &[&str]) {
        let output = self.run(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{program} {arguments:?}");
        assert!(said.contains("not permitted"), "{program} {arguments:?}: {said}");
    }
}

fn start(profile: Vec<OsString>, program: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(profile).arg(program).current_dir("/");
    command
}

#[test]
fn shared_folders_are_served_and_nothing_else() {
    let world = world();
    world.may("/bin/cat", &["@shared/file", "@read/file"]);
    world.may_not("/bin/cat", &["@other/file"]);
    world.may("/usr/bin/touch", &["@shared/new"]);
    world.may_not("/usr/bin/touch", &["@read/new"]);
    world.may_not("/usr/bin/touch", &["@other/new"]);
    world.may("/bin/mkdir", &["@shared/folder"]);
    world.may("/bin/mv", &["@shared/new", "@shared/folder/moved"]);
    world.may("/bin/rm", &["@shared/folder/moved"]);
    // Opened by its caller: what was given is read, whatever its path.
    let given = fs::File::open(world.path("other/file")).unwrap();
    let profile = world.machine(Path::new("/bin/cat")).arguments().unwrap();
    let output = start(profile, Path::new("/bin/cat")).stdin(given).output().unwrap();
    assert_eq!(output.stdout, b"other", "{output:?}");
}

/// `file-link` is no part of `file-write*`.
#[test]
fn hard_links_are_made_within_a_folder_only() {
    let world = world();
    world.may("/bin/ln", &["@shared/file", "@shared/second"]);
    world.may("/bin/mv", &["@shared/second", "@shared/third"]);
    world.may_not("/bin/ln", &["@other/file", "@shared/other"]);
    world.may_not("/bin/ln", &["@shared/file", "@other/shared"]);
}

#[test]
fn no_other_program_is_executed() {
    let world = world();
    let output = world.run("/usr/bin/env", &["/bin/cat", "@shared/file"]);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
}

/// The test program as a machine's process: it finds itself confined, and has what it needs.
#[test]
fn a_process_knows_its_sandbox_and_reaches_no_socket() {
    if let Some(told) = std::env::var_os(INSIDE) {
        return inside(&told.into_string().unwrap());
    }
    assert!(!matches!(support(), Some(State::Active { .. })), "tests run in a sandbox");
    let world = world();
    let tcp = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let socket = world.path("shared/socket");
    let _unix = UnixListener::bind(&socket).unwrap();
    let program = std::env::current_exe().unwrap().canonicalize().unwrap();
    let mut command = start(world.machine(&program).arguments().unwrap(), &program);
    let told = format!("{} {}", tcp.local_addr().unwrap().port(), socket.display());
    let name = "a_process_knows_its_sandbox_and_reaches_no_socket";
    let output = command.args(["--exact", name, "--nocapture"]).env(INSIDE, told).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn inside(told: &str) {
    let (port, socket) = told.split_once(' ').unwrap();
    assert!(matches!(support(), Some(State::Active { .. })), "{:?}", support());
    let (mut one, other) = UnixStream::pair().unwrap();
    std::io::Write::write_all(&mut one, b"x").unwrap();
    drop(one);
    assert_eq!(std::io::read_to_string(other).unwrap(), "x");
    TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap_err();
    UnixStream::connect(socket).unwrap_err();
    UnixListener::bind(format!("{socket}-2")).unwrap_err();
    Command::new("/usr/bin/true").status().unwrap_err();
    fs::read_dir("/Users").unwrap_err();
}

/// That the system takes its text, with the rules for the GPU too. Whether a real server can do
/// its work with it is another question.
#[test]
fn a_servers_profile_is_taken() {
    let world = world();
    let (temporary, cache) = (world.path("temporary"), world.path("cache"));
    for folder in [&temporary, &cache] {
        fs::create_dir(folder).unwrap();
    }
    for metal in [None, Some(Metal { temporary, cache })] {
        let program = PathBuf::from("/bin/cat");
        let server = Server {
            program: program.clone(),
            libraries: vec![world.path("read")],
            weights: vec![world.path("other/file")],
            folder: world.path("shared"),
            socket: world.path("shared/socket"),
            metal,
        };
        let output = |path: &str| {
            let mut command = start(server.arguments().unwrap(), &program);
            command.arg(world.path(path)).output().unwrap()
        };
        for may in ["shared/file", "read/file", "other/file"] {
            assert!(output(may).status.success(), "{may}: {:?}", output(may));
        }
        fs::write(world.path("other/second"), "").unwrap();
        assert!(!output("other/second").status.success());
    }
}

/// The test program as a server: it listens where it may, and is reached.
#[test]
fn a_server_listens_on_its_socket_only() {
    if let Some(socket) = std::env::var_os(INSIDE) {
        let socket = PathBuf::from(socket);
        UnixListener::bind(socket.with_extension("other")).unwrap_err();
        TcpListener::bind(("127.0.0.1", 0)).unwrap_err();
        let (mut client, _) = UnixListener::bind(socket).unwrap().accept().unwrap();
        return std::io::Write::write_all(&mut client, b"served").unwrap();
    }
    let world = world();
    let program = std::env::current_exe().unwrap().canonicalize().unwrap();
    let server = Server {
        program: program.clone(),
        libraries: Vec::new(),
        weights: Vec::new(),
        folder: world.path("shared"),
        socket: world.path("shared/socket"),
        metal: None,
    };
    let name = "a_server_listens_on_its_socket_only";
    let mut child = start(server.arguments().unwrap(), &program)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, &server.socket)
        .spawn()
        .unwrap();
    let stream = loop {
        match UnixStream::connect(&server.socket) {
            Ok(stream) => break stream,
            Err(_) => assert_eq!(child.try_wait().unwrap(), None),
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert_eq!(std::io::read_to_string(stream).unwrap(), "served");
    assert!(child.wait().unwrap().success());
}
