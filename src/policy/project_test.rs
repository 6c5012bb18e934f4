#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use super::*;

fn text(text: &str) -> Result<Project, String> {
    parse(text, Path::new(".qvm.toml")).map_err(|e| e.to_string())
}

fn share(host: PathBuf) -> Share {
    let dir = sys::open_directory(&host).unwrap();
    Share { tag: "workspace".into(), guest: host.clone(), host, dir, read_only: false }
}

#[test]
fn bounds_are_read() {
    let project =
        text("memory = \"1g\"\ncpus = 1\ntimeout = 60\nread_only_workspace = true\n").unwrap();
    let want = Project {
        memory: Some(1 << 30),
        cpus: Some(1),
        timeout: Some(Duration::from_secs(60)),
        read_only_workspace: Some(true),
    };
    assert_eq!(project, want);
    assert_eq!(text("").unwrap(), Project::default());
}

#[test]
fn what_could_widen_is_an_error_that_says_so() {
    for line in [
        "env = [\"AWS_SECRET\"]",
        "image = \"x\"",
        "flake = \".\"",
        "nixos_flake = \"/x\"",
        "accel = \"tcg\"",
        "publish = []",
        "share = []",
        "guest_root = true",
        "model = \"org/repo\"",
        "models = {}",
        "upstream = \"unix:/x\"",
        "with = \"codex\"",
        "server = \"./llama-server\"",
        "log_requests = \"x\"",
        "read_only_workspace = false",
    ] {
        let error = text(&format!("cpus = 1\n{line}\n")).unwrap_err();
        assert!(error.starts_with(".qvm.toml:2: ") && error.contains("only tighten"), "{error}");
    }
    let unknown = text("colour = 1").unwrap_err();
    assert!(unknown.contains("unknown field `colour`"), "{unknown}");
}

#[test]
fn only_a_small_regular_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let file = root.join(NAME);
    assert_eq!(read(&share(root.clone())).unwrap(), Project::default());

    fs::write(&file, "cpus = 1").unwrap();
    assert_eq!(read(&share(root.clone())).unwrap().cpus, Some(1));

    fs::write(&file, "#".repeat(LARGEST as usize)).unwrap();
    assert!(read(&share(root.clone())).is_ok());
    fs::write(&file, "#".repeat(LARGEST as usize + 1)).unwrap();
    assert!(matches!(read(&share(root.clone())), Err(ConfigError::TooLarge(_))));

    fs::write(&file, b"# \xff").unwrap();
    assert!(matches!(read(&share(root.clone())), Err(ConfigError::Read(..))));

    fs::remove_file(&file).unwrap();
    fs::write(root.join("real"), "cpus = 1").unwrap();
    symlink("real", &file).unwrap();
    assert!(matches!(read(&share(root.clone())), Err(ConfigError::Read(..))));

    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(read(&share(root.clone())), Err(ConfigError::Read(..))));

    fs::remove_dir(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert!(matches!(read(&share(root)), Err(ConfigError::Read(..))));
}

#[test]
fn no_bytes_panic() {
    let valid = b"memory = \"1g\"\ncpus = 1\ntimeout = \"1h30m\"\nread_only_workspace = true\n";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..3000 {
        let mut data = valid.to_vec();
        for _ in 0..1 + next() % 6 {
            let at = next() as usize % data.len();
            match next() % 3 {
                0 => data[at] = next() as u8,
                1 => data.insert(at, b"\"'[]{}=.\n#9\xff"[next() as usize % 12]),
                _ => data.truncate(at.max(1)),
            }
        }
        fuzz_project(&data);
        let noise: Vec<u8> = (0..next() % 64).map(|_| next() as u8).collect();
        fuzz_project(&noise);
    }
    fuzz_project("[".repeat(30_000).as_bytes());
    fuzz_project(format!("cpus = {}", "[".repeat(30_000)).as_bytes());
}
