//! What is outside the sandbox.

use std::{
    fs,
    io::Read,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{PermissionsExt, chown},
            net::{SocketAddr, UnixListener},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::runner::Place;

/// What the server must not reach, and what it may.
pub struct World {
    /// As whom the processes start.
    pub who: &'static str,
    pub user: Option<u32>,
    pub folder: TempDir,
    pub program: PathBuf,
    tcp: TcpListener,
    udp: UdpSocket,
    names: AtomicUsize,
}

impl Place for World {
    fn new(who: &'static str, user: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("confine-").tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let program = path.join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        // A cache that only its owner may enter, with weights that all could read.
        for name in ["home/.ssh", "home/.cache", "home/kernels", "host"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        fs::write(path.join("home/.ssh/id_ed25519"), "a private key").unwrap();
        fs::write(path.join("home/.cache/weights.gguf"), "GGUF").unwrap();
        fs::write(path.join("home/.cache/other"), "another file").unwrap();
        let all = ["home", "home/.ssh", "home/.cache", "home/kernels", "host"];
        for name in all.iter().chain(&["home/.ssh/id_ed25519", "home/.cache/weights.gguf"]) {
            chown(path.join(name), user, user).unwrap();
        }
        for (name, mode) in [("home/.ssh", 0o700), ("home/.cache", 0o700), ("home/kernels", 0o777)]
        {
            fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        Self {
            who,
            user,
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            names: AtomicUsize::new(0),
            program,
            folder,
        }
    }

    fn who(&self) -> &'static str {
        self.who
    }
}

impl World {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether its processes start with root's powers, which a container may keep.
    pub fn is_root(&self) -> bool {
        use rustix::thread::{CapabilitySet, capabilities};
        let powers = capabilities(None).unwrap().effective;
        self.user.is_none() && powers.contains(CapabilitySet::SYS_ADMIN)
    }

    /// This program, as this world's user.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir("/").env("SECRET", "the launcher's secret");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Everything that an attempt is made on, new each time.
    pub fn targets(&self) -> Targets {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.path().display());
        let named = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = self.path().join(format!("socket-{number}"));
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        let mut victim = self.command(&["victim"]).stdout(Stdio::piped()).spawn().unwrap();
        victim.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Targets {
            facts: vec![
                self.path().display().to_string(),
                self.tcp.local_addr().unwrap().port().to_string(),
                self.udp.local_addr().unwrap().port().to_string(),
                socket.display().to_string(),
                name,
                victim.id().to_string(),
            ],
            victim,
            _sockets: [listener, UnixListener::bind_addr(&named).unwrap()],
        }
    }
}

/// What one attempt is made on.
pub struct Targets {
    pub facts: Vec<String>,
    victim: Child,
    _sockets: [UnixListener; 2],
}

impl Targets {
    pub fn victim_lives(&mut self) -> bool {
        self.victim.try_wait().unwrap().is_none()
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// A process to be traced, read and killed: it lets everybody who otherwise may.
pub fn victim() -> ExitCode {
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY) };
    println!();
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}
