//! QEMU, with our devices on threads of this process.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use agent_protocol::{AGENT_PORT, GUEST_CID, WORKSPACE_TAG};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use virtio_devices::fs::{Fs, FsConfig, Host};
use virtio_devices::transport::vhost_user::serve;
use virtio_devices::vsock::{HostPort, Vsock, accept};

/// A port of the host that sends back what comes.
pub const ECHO_PORT: u32 = 7777;

pub struct Machine {
    qemu: Child,
    /// Where connections to the agent's port come from.
    pub ports: OwnedFd,
    _folder: tempfile::TempDir,
}

impl Machine {
    pub fn start(kernel: &str, initrd: &str, image: &str, workspace: &str) -> Self {
        rustix::process::umask(Mode::empty());
        let folder = tempfile::tempdir().unwrap();
        let pair = || {
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .unwrap()
        };
        let ((agent, ports), (echo, echo_ports)) = (pair(), pair());
        thread::spawn(move || echo_all(&echo_ports));

        let (vsock_path, fs_path) = (folder.path().join("vsock"), folder.path().join("fs"));
        let vsock_listener = UnixListener::bind(&vsock_path).unwrap();
        let fs_listener = UnixListener::bind(&fs_path).unwrap();
        thread::spawn(move || {
            let listed = [(AGENT_PORT, agent), (ECHO_PORT, echo)];
            let listed =
                listed.into_iter().map(|(port, channel)| HostPort { port, channel }).collect();
            let mut device = Vsock::new(GUEST_CID, listed);
            serve(&mut device, vsock_listener.accept().unwrap().0)
        });
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, workspace, flags, Mode::empty()).unwrap();
        thread::spawn(move || {
            let mut device =
                Fs::new(FsConfig::new(WORKSPACE_TAG, root, Host::here().unwrap())).unwrap();
            serve(&mut device, fs_listener.accept().unwrap().0)
        });

        let cpus = std::env::var("CPUS").unwrap_or_else(|_| "2".into());
        let level = std::env::var("LOG").unwrap_or_else(|_| "quiet".into());
        let cpu = std::env::var("CPU").unwrap_or_else(|_| "max".into());
        let text = |path: &std::path::Path| path.display().to_string();
        let qemu = Command::new("qemu-system-x86_64")
            .args([
                "-M",
                "microvm,acpi=on,rtc=on,pit=on,pic=on,memory-backend=m",
                "-cpu",
                &cpu,
                "-smp",
                &cpus,
                "-m",
                "1024",
            ])
            .args([
                "-object",
                "memory-backend-memfd,id=m,size=1024M,share=on",
                "-nodefaults",
                "-no-user-config",
            ])
            .args(["-global", "virtio-mmio.force-legacy=false"])
            .args([
                "-display",
                "none",
                "-serial",
                "stdio",
                "-no-reboot",
                "-kernel",
                kernel,
                "-initrd",
                initrd,
            ])
            .args([
                "-append",
                &format!(
                    "console=ttyS0 reboot=t panic=-1 no_timer_check tsc_early_khz=2000000 {level}"
                ),
            ])
            .args(["-drive", &format!("id=d,file={image},format=raw,if=none,readonly=on")])
            .args(["-device", "virtio-blk-device,drive=d", "-device", "virtio-rng-device"])
            .args([
                "-chardev",
                &format!("socket,id=v,path={}", text(&vsock_path)),
                "-device",
                "vhost-user-vsock-device,chardev=v",
            ])
            .args(["-chardev", &format!("socket,id=f,path={}", text(&fs_path))])
            .args([
                "-device",
                &format!("vhost-user-fs-device,chardev=f,tag={WORKSPACE_TAG},queue-size=1024"),
            ])
            .args(std::env::var("QEMU_ARGS").unwrap_or_default().split_whitespace())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { qemu, ports, _folder: folder }
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.qemu.wait().unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
    }
}

fn echo_all(ports: &OwnedFd) {
    while let Ok(Some((_, stream))) = accept(ports.as_fd()) {
        thread::spawn(move || {
            let _ = std::io::copy(&mut &stream, &mut &stream);
            let _ = stream.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// Nanoseconds in milliseconds.
pub fn millis(nanos: u64) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64() * 1000.0
}
