//! Attempts to get out.

use std::{
    fs::{self, File},
    net::TcpStream,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixStream},
            process::ExitStatusExt,
        },
    },
    process::{ExitCode, Stdio},
};

use confine::{Role, probe};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::{
    Test,
    child::{ESCAPED, How, Knows, REFUSED, UNCONFINED},
    outside::Outside,
};

/// An attempt, whether something other than the system call filter stands against it, and
/// whether that something is there in a container without namespaces.
struct Attempt {
    name: &'static str,
    without_filter: bool,
    in_container: bool,
    make: fn(&Knows) -> bool,
}

const fn attempt(name: &'static str, layers: (bool, bool), make: fn(&Knows) -> bool) -> Attempt {
    Attempt { name, without_filter: layers.0, in_container: layers.1, make }
}

/// Held by namespaces, landlock and the filter, each alone.
const ALL: (bool, bool) = (true, true);
/// Held by namespaces and by the filter.
const NAMESPACES: (bool, bool) = (true, false);
/// Held by the filter alone.
const FILTER: (bool, bool) = (false, false);

const ATTEMPTS: &[Attempt] = &[
    attempt("read-passwd", ALL, |_| File::open("/etc/passwd").is_ok()),
    attempt("read-canary", ALL, |knows| File::open(knows.folder.join("canary")).is_ok()),
    attempt("write-canary", ALL, |knows| fs::write(knows.folder.join("canary"), "x").is_ok()),
    attempt("create-outside", ALL, |knows| File::create(knows.folder.join("written")).is_ok()),
    attempt("up-from-root", ALL, |knows| {
        let up = "../".repeat(30);
        [format!("{up}etc/passwd"), "../canary".to_owned(), "inner/../../canary".to_owned()]
            .iter()
            .any(|path| open_at(knows, path))
    }),
    attempt("link-out", ALL, |knows| open_at(knows, "link")),
    attempt("proc", ALL, |knows| {
        [
            "/proc/self/root/etc/passwd",
            "/proc/1/root/etc/passwd",
            "/proc/self/environ",
            "/proc/self/exe",
        ]
        .iter()
        .any(|path| open_at(knows, path) || File::open(path).is_ok())
    }),
    attempt("out-of-descriptors", ALL, |knows| {
        let Some(own) = &knows.confined.descriptors else {
            return false;
        };
        let up = "../".repeat(8);
        [format!("{up}etc/passwd"), "../environ".to_owned(), "../root/etc/passwd".to_owned()]
            .iter()
            .any(|path| openat(own, path, OFlags::RDONLY, Mode::empty()).is_ok())
    }),
    attempt("unix-socket", NAMESPACES, |knows| {
        UnixStream::connect(knows.folder.join("socket")).is_ok()
    }),
    attempt("abstract-socket", ALL, |knows| {
        let name = SocketAddr::from_abstract_name(&knows.abstract_name).unwrap();
        UnixStream::connect_addr(&name).is_ok()
    }),
    attempt("tcp", ALL, |knows| TcpStream::connect(("127.0.0.1", knows.port)).is_ok()),
    attempt("signal-sibling", ALL, |knows| unsafe {
        libc::kill(knows.sibling, libc::SIGTERM) == 0
    }),
    attempt("signal-sibling-thread", ALL, |knows| unsafe {
        libc::syscall(libc::SYS_tgkill, knows.sibling, knows.sibling, libc::SIGTERM) == 0
    }),
    attempt("ptrace-sibling", ALL, |knows| unsafe {
        libc::ptrace(libc::PTRACE_ATTACH, knows.sibling, 0, 0) == 0
    }),
    attempt("read-sibling", ALL, |knows| unsafe {
        let mut byte = 0_u8;
        let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let remote =
            libc::iovec { iov_base: std::ptr::without_provenance_mut(0x40_0000), iov_len: 1 };
        // Without the right to, EPERM; with it, 1 or EFAULT.
        libc::process_vm_readv(knows.sibling, &raw const local, 1, &raw const remote, 1, 0) >= 0
            || *libc::__errno_location() == libc::EFAULT
    }),
    attempt("mount", ALL, |_| unsafe {
        libc::mount(c"x".as_ptr(), c"/".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()) == 0
    }),
    attempt("chroot", ALL, |_| unsafe { libc::chroot(c"/".as_ptr()) == 0 }),
    attempt("open-by-handle", ALL, by_handle),
    attempt("become-root", ALL, |_| unsafe {
        libc::setresuid(0, 0, 0) == 0 && libc::geteuid() == 0 && privileged()
    }),
    attempt("raise-capability", ALL, |_| privileged()),
    attempt("make-device", ALL, |knows| unsafe {
        use std::os::fd::AsRawFd;
        let at = knows.confined.root.as_ref().map_or(libc::AT_FDCWD, AsRawFd::as_raw_fd);
        libc::mknodat(at, c"device".as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(1, 3)) == 0
    }),
    attempt("execute", ALL, |_| {
        std::process::Command::new("/bin/true").stdin(Stdio::inherit()).status().is_ok()
    }),
    attempt("fork", FILTER, |_| unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            pid => pid > 0,
        }
    }),
    attempt("new-user-namespace", FILTER, |_| unsafe { libc::unshare(libc::CLONE_NEWUSER) == 0 }),
    attempt("executable-memory", FILTER, |_| unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        ) != libc::MAP_FAILED
    }),
    attempt("new-socket", FILTER, |_| unsafe {
        libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) >= 0
    }),
    attempt("dumpable", FILTER, |_| unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) == 0 }),
    attempt("memory-file", FILTER, |_| unsafe { libc::memfd_create(c"x".as_ptr(), 0) >= 0 }),
];

/// Makes the attempt of that name in this process.
pub fn make(name: &str, knows: &Knows) -> ExitCode {
    let attempt = ATTEMPTS.iter().find(|each| each.name == name).unwrap();
    ExitCode::from(if (attempt.make)(knows) { ESCAPED } else { REFUSED })
}

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for role in [Role::Fs, Role::Vsock, Role::Vmm, Role::Bridge] {
        for how in [How::Sealed, How::Unsealed, How::Container] {
            tests.push((
                format!("attempts::{role}_{}", how.name()),
                Box::new(move |outside| all_fail(outside, role, how)),
            ));
        }
    }
    tests.push(("attempts::trap_names_the_call".to_owned(), Box::new(trap)));
    tests.push(("attempts::no_layer_no_process".to_owned(), Box::new(blind)));
    tests
}

fn all_fail(outside: &Outside, role: Role, how: How) {
    let landlock = probe().landlock;
    assert!(how != How::Container || landlock.is_active(), "needs a newer landlock: {landlock}");
    for attempt in ATTEMPTS {
        let held = match how {
            How::Sealed => true,
            How::Unsealed => attempt.without_filter,
            How::Container => attempt.in_container,
        };
        if !held {
            continue;
        }
        let arguments = [role.name(), how.name(), attempt.name];
        let output = outside.command("attempt", &arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let name = attempt.name;
        match (output.status.code(), output.status.signal()) {
            (None, Some(libc::SIGSYS)) if how == How::Sealed => {}
            (Some(code), _) if code == i32::from(REFUSED) => {}
            (Some(code), _) if code == i32::from(ESCAPED) => panic!("{role} {name} got out"),
            (Some(code), _) if code == i32::from(UNCONFINED) => panic!("{role}: {said}"),
            other => panic!("{role} {name}: {other:?} {said}"),
        }
        assert!(outside.sibling_lives(), "{role} {name} killed the sibling");
    }
    outside.check();
}

fn trap(outside: &Outside) {
    let output = outside.command("trap", &["vsock", "sealed", "tcp"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let line = format!("the vsock process was refused system call {}\n", libc::SYS_socket);
    assert_eq!(said, line);
    assert_eq!(output.status.code(), Some(128 + libc::SIGSYS));
}

fn blind(outside: &Outside) {
    for role in ["fs", "vsock", "vmm", "bridge"] {
        let output = outside.command("blind", &[role]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(REFUSED.into()), "{role}: {said}");
    }
}

/// Opens `path` from the shared folder, or from the working folder.
fn open_at(knows: &Knows, path: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    match &knows.confined.root {
        Some(root) => openat(root, path, flags, Mode::empty()).is_ok(),
        None => openat(CWD, path, flags, Mode::empty()).is_ok(),
    }
}

/// Opens the host's root by the handle that ext4, xfs and btrfs give it.
fn by_handle(knows: &Knows) -> bool {
    use std::os::fd::AsRawFd;
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        inode: [u32; 2],
    }
    let handle = Handle { bytes: 8, kind: 1, inode: [2, 0] };
    let at = knows.confined.root.as_ref().map_or(libc::AT_FDCWD, AsRawFd::as_raw_fd);
    unsafe {
        libc::syscall(libc::SYS_open_by_handle_at, at, &raw const handle, libc::O_RDONLY) >= 0
    }
}

/// Whether this process can give itself a capability over the system.
fn privileged() -> bool {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    sets.effective |= CapabilitySet::SYS_ADMIN;
    sets.permitted |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets).is_ok()
}
