//! Attempts to get out.

use std::{
    ffi::CString,
    fs::{self, File},
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsFd, AsRawFd},
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixStream},
            process::CommandExt,
        },
    },
    path::PathBuf,
    process::{Command, ExitCode, Output},
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::{
    Test, kernel,
    launcher::{ESCAPED, PROGRAM, REFUSED, UNCONFINED, WEIGHTS},
    world::World,
};

/// What an attempt knows of the world outside.
pub struct Facts {
    pub folder: PathBuf,
    pub tcp: u16,
    pub udp: u16,
    pub socket: PathBuf,
    pub abstract_name: String,
    /// A process of the host's.
    pub victim: i32,
    /// The launcher, for which the victim stands outside.
    pub launcher: i32,
    pub weights: PathBuf,
    /// This program.
    pub program: PathBuf,
}

/// What it takes for an attempt to work without the sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Root.
    Root,
    /// Something that a machine may lack or have switched off.
    Machine(&'static str),
    /// Both.
    RootAnd(&'static str),
}

type Attempt = (&'static str, Needs, fn(&Facts) -> io::Result<()>);

use Needs::{Machine, Nothing, Root};

const ATTEMPTS: &[Attempt] = &[
    ("read-ssh-key", Nothing, |facts| reads(&facts.folder.join("home/.ssh/id_ed25519"))),
    ("list-home", Nothing, |facts| fs::read_dir(facts.folder.join("home")).map(drop)),
    ("read-passwd", Nothing, |_| reads("/etc/passwd".as_ref())),
    ("read-shadow", Root, |_| reads("/etc/shadow".as_ref())),
    ("list-root", Nothing, |_| fs::read_dir("/").map(drop)),
    ("write-outside", Nothing, |facts| {
        let beside = facts.program.with_file_name("written");
        let places = [facts.folder.join("host/written"), beside, "/models/folder/written".into()];
        any(places.iter().map(|path| fs::write(path, "x")))
    }),
    ("write-weights", Nothing, |facts| {
        fs::OpenOptions::new().append(true).open(&facts.weights).map(drop)
    }),
    ("unprotect-weights", Nothing, |facts| {
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        fs::set_permissions(&facts.weights, mode)
    }),
    ("replace-weights", Nothing, |facts| {
        let beside = facts.weights.with_extension("moved");
        fs::rename(&facts.weights, &beside)?;
        fs::rename(&beside, &facts.weights)
    }),
    ("execute-shell", Nothing, |_| Err(Command::new("/bin/sh").args(["-c", "exit 10"]).exec())),
    ("execute-itself", Nothing, |facts| {
        Err(Command::new(&facts.program).args(["server", "escaped"]).exec())
    }),
    ("execute-memory", Nothing, execute_memory),
    ("fork", Nothing, |_| unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            pid => check(i64::from(pid)),
        }
    }),
    ("tcp-connect", Nothing, |facts| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, facts.tcp)).map(drop)
    }),
    ("tcp-listen", Nothing, |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("udp-send", Nothing, |facts| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.send_to(b"x", (Ipv4Addr::LOCALHOST, facts.udp)).map(drop)
    }),
    ("host-socket", Nothing, |facts| UnixStream::connect(&facts.socket).map(drop)),
    ("abstract-socket", Nothing, |facts| {
        let name = SocketAddr::from_abstract_name(&facts.abstract_name)?;
        UnixStream::connect_addr(&name).map(drop)
    }),
    ("netlink-socket", Nothing, |_| kernel::socket(libc::AF_NETLINK, libc::SOCK_RAW)),
    ("packet-socket", Root, |_| kernel::socket(libc::AF_PACKET, libc::SOCK_RAW)),
    ("pass-a-descriptor", Nothing, |_| {
        let (one, _two) = UnixStream::pair()?;
        let descriptors = [one.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(&one, &[IoSlice::new(b"x")], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }),
    ("trace-launcher", Nothing, |facts| unsafe {
        check(libc::ptrace(libc::PTRACE_SEIZE, facts.launcher, 0, 0))
    }),
    ("read-launcher-memory", Nothing, |facts| kernel::peek(facts.launcher)),
    ("open-launcher-memory", Nothing, |facts| {
        File::open(format!("/proc/{}/mem", facts.launcher)).map(drop)
    }),
    ("launcher-environment", Nothing, |facts| {
        reads(format!("/proc/{}/environ", facts.launcher).as_ref())
    }),
    ("launcher-root", Nothing, |facts| {
        fs::read_dir(format!("/proc/{}/root/", facts.launcher)).map(drop)
    }),
    ("kill-launcher", Nothing, |facts| unsafe {
        check(i64::from(libc::kill(facts.launcher, libc::SIGKILL)))
    }),
    ("kill-host-process", Nothing, |facts| unsafe {
        check(i64::from(libc::kill(facts.victim, libc::SIGKILL)))
    }),
    ("mount", Root, |facts| kernel::mount(&facts.folder)),
    ("chroot", Root, |_| unsafe { check(i64::from(libc::chroot(c"/".as_ptr()))) }),
    ("user-namespace", Machine("user namespaces"), |_| unsafe {
        check(i64::from(libc::unshare(libc::CLONE_NEWUSER)))
    }),
    ("enter-namespace", Root, |facts| {
        let space = File::open(format!("/proc/{}/ns/net", facts.launcher))?;
        unsafe { check(i64::from(libc::setns(space.as_raw_fd(), libc::CLONE_NEWNET))) }
    }),
    ("open-device", Nothing, |_| {
        any(["/dev/kvm", "/dev/mem", "/dev/fuse", "/dev/full"]
            .map(|path| File::open(path).map(drop)))
    }),
    ("make-device", Root, |facts| {
        any([facts.folder.join("host/device"), "/run/model/device".into()].map(kernel::make_device))
    }),
    ("io-uring", Machine("io_uring"), |_| kernel::io_uring()),
    ("bpf", Root, |_| kernel::bpf()),
    ("performance-counters", Needs::RootAnd("performance counters"), |_| kernel::perf()),
    ("key", Machine("key rings"), |_| kernel::key()),
    ("fault-handler", Root, |_| unsafe {
        check(libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC))
    }),
    ("raise-limit", Needs::RootAnd("the right to raise limits"), |_| kernel::raise_limit()),
    ("become-root", Root, |_| unsafe { check(i64::from(libc::setresuid(0, 0, 0))) }),
    ("open-by-handle", Needs::RootAnd("a file system with handles"), |facts| {
        kernel::by_handle(&facts.folder)
    }),
    ("writable-code", Machine("memory both writable and code"), |_| kernel::writable_code()),
];

/// `NAME inside|outside FACT…`: makes the attempt of that name in this process.
pub fn make(arguments: &[String]) -> ExitCode {
    let [name, place, folder, tcp, udp, socket, abstract_name, victim] = arguments else {
        panic!("{arguments:?}");
    };
    let inside = place == "inside";
    let victim = victim.parse().unwrap();
    let folder = PathBuf::from(folder);
    let facts = Facts {
        tcp: tcp.parse().unwrap(),
        udp: udp.parse().unwrap(),
        socket: socket.into(),
        abstract_name: abstract_name.clone(),
        victim,
        launcher: if inside { 1 } else { victim },
        weights: if inside { WEIGHTS.into() } else { folder.join("home/.cache/weights.gguf") },
        program: if inside { PROGRAM.into() } else { folder.join("program") },
        folder,
    };
    let (_, _, attempt) = ATTEMPTS.iter().find(|(each, ..)| each == name).unwrap();
    match attempt(&facts) {
        Ok(()) => ESCAPED.into(),
        Err(error) => {
            println!("{}", error.raw_os_error().map_or(error.to_string(), kernel::errno_name));
            REFUSED.into()
        }
    }
}

pub fn tests() -> Vec<Test> {
    ATTEMPTS
        .iter()
        .map(|(name, needs, _)| {
            let test: Box<dyn Fn(&World)> = Box::new(move |world| twice(world, name, *needs));
            (format!("attempts::{name}"), test)
        })
        .collect()
}

/// Makes an attempt without the sandbox and in it.
fn twice(world: &World, name: &str, needs: Needs) {
    let mut targets = world.targets();
    let inside = attempt(world, "launch", name, "inside", &targets.facts);
    assert!(targets.victim_lives(), "{name} killed a process of the host's");
    let outside = attempt(world, "server", name, "outside", &targets.facts);
    let (outside_said, worked) = match &outside {
        Ok(()) => ("worked".to_owned(), true),
        Err(why) => (why.clone(), false),
    };
    let inside_said = inside.as_ref().err().cloned().unwrap_or_else(|| "WORKED".to_owned());
    println!("{name:<28}{:<12}{outside_said:<24}{inside_said}", world.who);
    assert!(inside.is_err(), "{name} worked in the sandbox");
    match needs {
        _ if worked => {}
        Root | Needs::RootAnd(_) if !world.is_root() => {
            println!("skipped: {name} without the sandbox: needs root");
        }
        Machine(what) | Needs::RootAnd(what) => {
            println!("skipped: {name} without the sandbox: needs {what}");
        }
        Nothing | Root => panic!("{name} does not work without the sandbox: {outside_said}"),
    }
}

/// Runs this program for an attempt: the error that it met, or none if it worked.
fn attempt(
    world: &World,
    how: &str,
    name: &str,
    place: &str,
    facts: &[String],
) -> Result<(), String> {
    let mut arguments = vec![how, "attempt", name, place];
    arguments.extend(facts.iter().map(String::as_str));
    let Output { status, stdout, stderr } = world.command(&arguments).output().unwrap();
    match status.code().map(|code| u8::try_from(code).unwrap_or(u8::MAX)) {
        Some(ESCAPED) => Ok(()),
        Some(REFUSED) => Err(String::from_utf8_lossy(&stdout).trim().to_owned()),
        Some(UNCONFINED) => panic!("no sandbox: {}", String::from_utf8_lossy(&stderr)),
        _ => panic!("{name} {place}: {status} {}", String::from_utf8_lossy(&stderr)),
    }
}

/// Whether the first bytes of `path` can be read.
fn reads(path: &std::path::Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    match io::Read::read(&mut file, &mut [0; 1])? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// One of them worked; else the last error.
fn any(attempts: impl IntoIterator<Item = io::Result<()>>) -> io::Result<()> {
    let mut last = Err(io::ErrorKind::Other.into());
    for attempt in attempts {
        if attempt.is_ok() {
            return attempt;
        }
        last = attempt;
    }
    last
}

/// The error of a system call that returns a negative number.
pub fn check(result: i64) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Executes this program from a copy in memory.
fn execute_memory(facts: &Facts) -> io::Result<()> {
    let copy = rustix::fs::memfd_create(c"copy", rustix::fs::MemfdFlags::empty())?;
    io::copy(&mut File::open(&facts.program)?, &mut File::from(copy.try_clone()?))?;
    let texts = [c"x", c"server", c"escaped"].map(CString::from);
    let argv = [texts[0].as_ptr(), texts[1].as_ptr(), texts[2].as_ptr(), std::ptr::null()];
    let env = [std::ptr::null::<libc::c_char>()];
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            copy.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            env.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    let first = io::Error::last_os_error();
    // And by its name, as the call for that is another.
    let path = CString::new(format!("/proc/self/fd/{}", copy.as_raw_fd()))?;
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    Err(first)
}
