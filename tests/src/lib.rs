//! What the end-to-end cases share: a workspace, the `qvm` under test, a terminal to drive.
//!
//! The cases boot real machines. Which binary and which accelerator is told by
//! `QVM_E2E_QVM` (a path; default: the one `scripts/build` makes) and `QVM_E2E_ACCEL` (`tcg` by
//! default, `kvm` in the lab). Nothing is skipped: a machine that cannot run them fails them.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on panics"
)]

pub mod closure;
pub mod gguf;
pub mod image;
pub mod model;
pub mod processes;
pub mod scripted;
pub mod terminal;
pub mod users;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// The `qvm` under test.
pub fn qvm_binary() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/qvm/qvm");
    let path = std::env::var_os("QVM_E2E_QVM").map_or_else(|| PathBuf::from(built), PathBuf::from);
    assert!(path.exists(), "{} is missing: run scripts/build, or set QVM_E2E_QVM", path.display());
    path
}

/// The accelerator under test.
pub fn accel() -> String {
    std::env::var("QVM_E2E_ACCEL").unwrap_or_else(|_| "tcg".into())
}

/// A folder with a workspace in it, and siblings that the guest must never see.
pub struct Scene {
    /// Everything; removed at the end.
    pub top: TempDir,
    /// What is shared.
    pub workspace: PathBuf,
    /// What is not: a folder beside it with a secret.
    pub sibling: PathBuf,
}

/// Text of every file that the guest must not see.
pub const CANARY: &str = "canary-5d1c: the guest must never read this";

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// A fresh one.
    pub fn new() -> Self {
        let top = tempfile::Builder::new().prefix("qvm-e2e-").tempdir().unwrap();
        let workspace = top.path().join("work space");
        let sibling = top.path().join("sibling");
        fs::create_dir(&workspace).unwrap();
        fs::create_dir(&sibling).unwrap();
        fs::write(sibling.join("secret"), CANARY).unwrap();
        Self { top, workspace, sibling }
    }

    /// `qvm` on the workspace with the accelerator under test; options can be added, then a command.
    pub fn qvm(&self) -> Command {
        let mut command = Command::new(qvm_binary());
        command.arg("-q").args(["--accel", &accel()]).args(["--memory", "512", "--cpus", "1"]);
        // Whatever the user has configured; the cases of stage `model` have agents and models.
        command.args(["--with", "none", "--no-model"]);
        command.arg("-d").arg(&self.workspace);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a shell script in the guest.
    pub fn sh(&self, script: &str) -> Output {
        self.run(["sh", "-c", script])
    }

    /// Runs a command in the guest.
    pub fn run<S: AsRef<OsStr>>(&self, argv: impl IntoIterator<Item = S>) -> Output {
        self.qvm().arg("--").args(argv).output().unwrap()
    }

    /// Starts a shell script in the guest, with pipes.
    pub fn start(&self, script: &str) -> Child {
        self.qvm()
            .args(["--", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts a machine of that name in whose guest a shell says `up` and then runs `script`, and
    /// waits for that word.
    pub fn named(&self, name: &str, script: &str) -> Child {
        let mut main = self
            .qvm()
            .args(["--name", name, "--", "sh", "-c", &format!("echo up; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(main.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        main
    }

    /// A file in the workspace.
    pub fn file(&self, name: &str) -> PathBuf {
        self.workspace.join(name)
    }
}

/// Standard output of a run that must have succeeded.
pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}: {}", output.status, lossy(&output.stderr));
    lossy(&output.stdout)
}

/// Bytes as text.
pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes all of `input` to a child and collects its output.
pub fn feed(mut child: Child, input: Vec<u8>) -> Output {
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Asserts that qvm itself failed: status 125, and one line with each of these words.
pub fn assert_refused(output: &Output, words: &[&str]) {
    let stderr = lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
    assert!(stderr.starts_with("qvm: "), "{stderr}");
    assert!(!stderr.contains("panicked at"), "{stderr}");
}

/// True if `path` holds the canary.
pub fn canary_intact(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text == CANARY)
}
