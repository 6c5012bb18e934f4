#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{MetadataExt, symlink};

use super::*;

fn share(path: &str) -> Share {
    Share { tag: "workspace".into(), path: path.into(), read_only: false }
}

/// Whoever runs the test, so that files can be given to them.
fn me() -> Account {
    Account {
        name: "me".into(),
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        home: b"/home/me".to_vec(),
        shell: "/bin/sh".into(),
    }
}

fn file(path: &Path, mode: u32) -> File {
    File {
        path: path.as_os_str().as_bytes().to_vec(),
        contents: b"new".to_vec(),
        mode,
        owned_by_user: true,
    }
}

#[test]
fn impossible_places_are_refused() {
    let shares = [share("/home/me/project"), share("/srv")];
    for path in ["", "etc/x", "/", "/home/me/../x", "/home/me/", "/a\0b"] {
        assert!(matches!(check(Path::new(path), &shares), Err(FileError::Path)), "{path:?}");
    }
    for path in ["/proc/sys/x", "/dev/x", "/sys/x"] {
        assert!(matches!(check(Path::new(path), &shares), Err(FileError::Kernel)), "{path}");
    }
    // The home may be above a share, below one, or be one.
    for path in ["/home/me/project", "/home/me/project/.claude.json", "/srv/me/.claude.json"] {
        assert!(matches!(check(Path::new(path), &shares), Err(FileError::Shared)), "{path}");
    }
    for path in ["/home/me/.claude.json", "/home/me/project2/x", "/etc/x"] {
        assert!(check(Path::new(path), &shares).is_ok(), "{path}");
    }
}

#[test]
fn a_file_gets_its_folders_mode_and_contents() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c.json");
    write(&[file(&path, 0o4750)], &[], &me());
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let meta = fs::metadata(&path).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o750, "no set-user-id");
    assert_eq!(meta.uid(), me().uid);
}

#[test]
fn what_is_there_is_replaced_and_a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "old").unwrap();
    symlink(&target, &link).unwrap();
    write(&[file(&link, 0o600)], &[], &me());
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let inside = folder.join("x/y");
    fs::write(folder.join("x"), "a file in the way").unwrap();
    let last = dir.path().join("last");
    write(&[file(&folder, 0o600), file(&inside, 0o600), file(&last, 0o600)], &[], &me());
    assert!(folder.is_dir());
    assert_eq!(fs::read(&last).unwrap(), b"new");
}
