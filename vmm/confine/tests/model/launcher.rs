//! The launcher, and the server that it starts.

use std::{
    fs,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

use confine::{Denied, Entry, Profile, Program, Role, Root, What};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::{attempts, works};

/// What was attempted was answered with an error, which is on standard output.
pub const REFUSED: u8 = 0;
/// What was attempted worked.
pub const ESCAPED: u8 = 10;
/// The launcher failed, as said on standard error.
pub const UNCONFINED: u8 = 20;

/// Where the server is in its root.
pub const PROGRAM: &str = "/bin/server";
pub const WEIGHTS: &str = "/models/weights.gguf";
pub const SOCKET: &str = "/run/model/server.sock";

/// `CASE FACT…`: has the server do CASE.
pub fn main(arguments: &[String]) -> ExitCode {
    match launch(arguments) {
        Ok(code) => code,
        Err(error) => {
            let mut said = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                said = format!("{said}: {cause}");
            }
            eprintln!("{said}");
            UNCONFINED.into()
        }
    }
}

fn launch(arguments: &[String]) -> Result<ExitCode, confine::Error> {
    let [case, facts @ ..] = arguments else { panic!("{arguments:?}") };
    // An attempt's name and place come first.
    let folder = Path::new(&facts[if case == "attempt" { 2 } else { 0 }]);
    works::refuse_layers(case);
    let mut profile = Profile::new(Role::Model);
    assert!(profile.strict);
    profile.parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get() as u32);
    let mut entries = entries(folder);
    works::change(case, folder, &mut entries);
    profile.root = Root::Tree { entries };
    let confined = confine::enter(profile)?;
    assert_eq!(std::process::id(), 1);
    if case == "report" {
        print!("{}", confined.report);
        return Ok(REFUSED.into());
    }
    let mut argv = vec![PROGRAM.into(), "server".into()];
    argv.extend(arguments.iter().map(Into::into));
    let mut server = confine::start_program(Program {
        path: works::program(case).into(),
        argv,
        env: vec![("LD_LIBRARY_PATH".into(), "/lib".into())],
        output: std::io::stdout().as_fd().try_clone_to_owned().unwrap(),
        gpu: case == "gpu",
        denied: Denied::Kill,
    })?;
    confine::seal(Role::Model, Denied::Kill)?;
    if case == "serve" {
        works::use_server(&server);
    }
    let status = server.wait().unwrap();
    assert_eq!(server.wait().unwrap(), status);
    server.kill().unwrap();
    if let Some(signal) = status.signal() {
        println!("signal {signal}");
        return Ok(REFUSED.into());
    }
    Ok(ExitCode::from(status.code().unwrap() as u8))
}

/// What the server sees: itself, its libraries, weights, and folders of its own.
fn entries(folder: &Path) -> Vec<Entry> {
    let entry = |at: &str, what| Entry { at: at.into(), what };
    let mut entries = vec![
        entry(PROGRAM, What::Execute(open(&folder.join("program")))),
        entry(WEIGHTS, What::Read(open(&folder.join("home/.cache/weights.gguf")))),
        entry("/models/folder", What::Read(open(&folder.join("host")))),
        entry("/kernels", What::Write(open(&folder.join("home/kernels")))),
        entry("/run/model", What::Scratch { bytes: 1 << 20 }),
        entry("/link", What::Link("models/weights.gguf".into())),
        entry("/dev/null", What::Device(open(Path::new("/dev/null")))),
        entry("/proc", What::Processes { names: true }),
    ];
    for library in libraries() {
        let name = library.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("ld-") {
            entries.push(entry(LOADER, What::Execute(open(&library))));
        } else {
            entries.push(entry(&format!("/lib/{name}"), What::Libraries(open(&library))));
        }
    }
    entries
}

/// Where programs look for the dynamic loader.
#[cfg(target_arch = "x86_64")]
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
#[cfg(target_arch = "aarch64")]
const LOADER: &str = "/lib/ld-linux-aarch64.so.1";

/// The libraries that this program has mapped, with its loader.
fn libraries() -> Vec<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut all: Vec<_> = maps
        .lines()
        .filter_map(|line| line.find('/').map(|start| PathBuf::from(&line[start..])))
        .filter(|path| path.to_string_lossy().contains(".so"))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A descriptor that only names what is at `path`.
pub fn open(path: &Path) -> OwnedFd {
    openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// The server: does one thing, and tells how it went.
pub fn server(arguments: &[String]) -> ExitCode {
    let [case, rest @ ..] = arguments else { panic!("{arguments:?}") };
    match case.as_str() {
        "attempt" => attempts::make(rest),
        "escaped" => ExitCode::from(ESCAPED),
        other => works::server(other, rest),
    }
}
