//! The world outside the confined process: files to reach for, sockets, a sibling.

use std::{
    fs,
    net::TcpListener,
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::{
            fs::{PermissionsExt, chown},
            net::{SocketAddr, UnixListener},
            process::CommandExt,
        },
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::runner::Place;

/// What the process must not reach.
pub struct Outside {
    /// As whom the processes start.
    pub who: &'static str,
    user: Option<u32>,
    /// Holds `share`, `canary`, `socket` and this program.
    pub folder: TempDir,
    program: PathBuf,
    sibling: Child,
    tcp: TcpListener,
    abstract_name: String,
    _sockets: [UnixListener; 2],
}

impl Place for Outside {
    fn new(who: &'static str, user: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("confine-").tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(path.join("share/inner")).unwrap();
        fs::write(path.join("share/file"), "shared").unwrap();
        fs::write(path.join("canary"), "canary").unwrap();
        fs::set_permissions(path.join("canary"), fs::Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink("../canary", path.join("share/link")).unwrap();
        let socket = UnixListener::bind(path.join("socket")).unwrap();
        fs::set_permissions(path.join("socket"), fs::Permissions::from_mode(0o666)).unwrap();
        let abstract_name = format!("{}", path.display());
        let named = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let program = path.join("roles");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        if let Some(user) = user {
            for name in ["share", "share/inner", "share/file", "canary"] {
                chown(path.join(name), Some(user), Some(user)).unwrap();
            }
        }
        let mut sleep = Command::new("sleep");
        sleep.arg("1000").stdout(Stdio::null());
        if let Some(user) = user {
            sleep.uid(user).gid(user);
        }
        Self {
            who,
            user,
            sibling: sleep.spawn().unwrap(),
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            _sockets: [socket, UnixListener::bind_addr(&named).unwrap()],
            abstract_name,
            program,
            folder,
        }
    }

    fn who(&self) -> &'static str {
        self.who
    }
}

impl Outside {
    /// The command that runs this program as a process to be confined.
    pub fn command(&self, case: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["child", case])
            .arg(self.folder.path())
            .arg(self.sibling.id().to_string())
            .arg(self.tcp.local_addr().unwrap().port().to_string())
            .arg(&self.abstract_name)
            .args(arguments)
            .current_dir("/");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Fails when the process changed anything out here.
    pub fn check(&self) {
        let path = self.folder.path();
        assert_eq!(fs::read(path.join("canary")).unwrap(), b"canary");
        assert!(!path.join("written").exists());
    }

    /// Whether the sibling lives.
    pub fn sibling_lives(&self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.sibling);
        rustix::process::test_kill_process(pid).is_ok() && self.tcp.as_raw_fd() >= 0
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.sibling.kill();
        let _ = self.sibling.wait();
    }
}
