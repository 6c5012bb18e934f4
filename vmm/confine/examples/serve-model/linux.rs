//! Runs llama-server in its sandbox and asks it something.
//!
//! `serve-model TREE WEIGHTS [QUESTION]`: TREE is a folder with a `usr` that has llama-server and
//! its libraries, as unpacked packages make one; WEIGHTS is a GGUF file. Prints which layers are
//! in force and the server's answer; its log goes to standard error.

#![allow(clippy::unwrap_used)]

use std::{
    error::Error,
    fs::File,
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    path::Path,
    thread::sleep,
    time::Duration,
};

use confine::{Denied, Entry, Profile, Program, Role, Root, What};
use rustix::fs::OFlags;

/// The dynamic loader, in TREE.
const LOADER: &str = if cfg!(target_arch = "aarch64") {
    "usr/lib/ld-linux-aarch64.so.1"
} else {
    "usr/lib64/ld-linux-x86-64.so.2"
};

const SOCKET: &str = "/run/model/server.sock";

pub fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, weights, question @ ..] = arguments.as_slice() else {
        return Err("usage: serve-model TREE WEIGHTS [QUESTION]".into());
    };
    let tree = Path::new(tree).canonicalize()?;
    let mut profile = Profile::new(Role::Model);
    profile.root = Root::Tree { entries: entries(&tree, Path::new(weights))? };

    // Returns in the first process of a new process id namespace.
    let confined = confine::enter(profile)?;
    print!("{}", confined.report);
    let mut server = confine::start_program(Program {
        path: "/usr/bin/llama-server".into(),
        argv: ["llama-server", "--host", SOCKET, "-m", "/models/weights.gguf"]
            .iter()
            .chain(&["--offline", "--no-ui", "--no-slots", "-c", "4096", "-t", "2"])
            .map(Into::into)
            .collect(),
        env: vec![("LANG".into(), "C.UTF-8".into())],
        output: rustix::io::dup(std::io::stderr())?,
        gpu: false,
        denied: Denied::Kill,
    })?;
    confine::seal(Role::Model, Denied::Kill)?;

    while !ask("GET", "/health", "").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        sleep(Duration::from_millis(50));
    }
    let question = question.first().map_or("hello", String::as_str);
    let body = format!(r#"{{"prompt":"{question}","n_predict":32}}"#);
    println!("{}", ask("POST", "/completion", &body)?);
    server.kill()?;
    println!("{}", server.wait()?);
    Ok(())
}

/// What the server sees.
fn entries(tree: &Path, weights: &Path) -> std::io::Result<Vec<Entry>> {
    let loader = tree.join(LOADER).canonicalize()?;
    let entry = |at: &str, what| Entry { at: at.into(), what };
    // It is a link; what may be executed is where that leads.
    let inside = Path::new("/").join(loader.strip_prefix(tree).unwrap_or(&loader));
    let mut entries = vec![
        entry("/usr", What::Libraries(path(&tree.join("usr"))?)),
        entry("/usr/bin/llama-server", What::Execute(path(&tree.join("usr/bin/llama-server"))?)),
        Entry { at: inside, what: What::Execute(path(&loader)?) },
        entry("/lib", What::Link("usr/lib".into())),
        entry("/lib64", What::Link("usr/lib64".into())),
        entry("/models/weights.gguf", What::Read(path(weights)?)),
        entry("/run/model", What::Scratch { bytes: 16 << 20 }),
        entry("/tmp", What::Scratch { bytes: 16 << 20 }),
        entry("/proc", What::Processes { names: false }),
        entry("/sys/devices/system/cpu", What::Read(path(Path::new("/sys/devices/system/cpu"))?)),
    ];
    for device in ["/dev/null", "/dev/urandom"] {
        entries.push(entry(device, What::Device(path(Path::new(device))?)));
    }
    Ok(entries)
}

fn path(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = i32::try_from((OFlags::PATH | OFlags::CLOEXEC).bits()).unwrap_or(0);
    File::options().read(true).custom_flags(flags).open(path).map(OwnedFd::from)
}

fn ask(method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut server = UnixStream::connect(SOCKET)?;
    write!(
        server,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    Ok(answer)
}
