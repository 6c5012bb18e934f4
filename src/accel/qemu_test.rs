#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use super::*;

const PROGRAM: &str = "qemu-system-aarch64";

#[test]
fn versions() {
    let cases = [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", Some((7, 2))),
        ("QEMU emulator version 10.0.2", Some((10, 0))),
        ("QEMU emulator version 9.1-rc0", Some((9, 1))),
        ("QEMU emulator version", None),
        ("qemu 7.2", None),
        ("", None),
    ];
    for (text, want) in cases {
        assert_eq!(parse_version(text), want, "{text}");
    }
}

fn install(dir: &Path, answer: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let file = dir.join(PROGRAM);
    fs::write(&file, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[test]
fn nothing_inside_a_share_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let shared = [root.join("ws")];
    let planted = install(&root.join("ws/bin"), "QEMU emulator version 9.9");
    fs::create_dir(root.join("link")).unwrap();
    symlink(&planted, root.join("link").join(PROGRAM)).unwrap();
    let path =
        env::join_paths([root.join("ws/bin"), root.join("link"), "bin".into(), root.join("none")])
            .unwrap();
    assert_eq!(search(PROGRAM, &path, &shared), None);
    let good = install(&root.join("good"), "QEMU emulator version 9.9");
    let path = env::join_paths([root.join("ws/bin"), root.join("good")]).unwrap();
    assert_eq!(search(PROGRAM, &path, &shared), Some(good));
}

#[test]
fn only_what_can_be_executed_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let file = install(&root, "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(search(PROGRAM, root.as_os_str(), &[]), None);
    fs::create_dir_all(root.join("d").join(PROGRAM)).unwrap();
    assert_eq!(search(PROGRAM, root.join("d").as_os_str(), &[]), None);
}

#[test]
fn the_answer_decides() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let find = |name: &str, answer: &str| {
        install(&root.join(name), answer);
        Qemu::find(Arch::Aarch64, root.join(name).as_os_str(), &[])
    };
    assert!(matches!(
        find("a", "QEMU emulator version 8.1.0"),
        Qemu::Found { version: (8, 1), .. }
    ));
    assert!(matches!(
        find("b", "QEMU emulator version 6.2.0"),
        Qemu::TooOld { version: (6, 2), .. }
    ));
    assert!(matches!(find("c", "hello"), Qemu::Broken { .. }));
    assert_eq!(Qemu::find(Arch::Aarch64, OsStr::new(""), &[]), Qemu::Absent);
}
