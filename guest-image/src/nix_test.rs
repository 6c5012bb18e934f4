#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

/// A folder with a program `nix` that does this.
pub fn fake(dir: &Path, script: &str) -> OsString {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join("nix");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    dir.into()
}

/// A Nix of version 2.18 that otherwise does this.
pub fn nix(dir: &Path, script: &str) -> Nix {
    let script =
        format!("[ \"$1\" != --version ] || {{ echo 'nix (Nix) 2.18.1'; exit; }}\n{script}");
    Nix::find(&fake(dir, &script), &[]).unwrap()
}

#[test]
fn old_strange_and_broken_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let said = |script: &str| {
        let nix = Nix::find(&fake(dir.path(), script), &[]).unwrap();
        version::of(&nix).unwrap_err().to_string()
    };
    let old = said("echo 'nix (Nix) 2.3.16'");
    assert!(old.starts_with("this Nix is too old: ") && old.contains("2.3, and 2.8"), "{old}");
    let strange = said("echo 'NIX shell 1'");
    assert!(
        strange.contains("no Nix that qvm knows") && strange.contains("NIX shell 1"),
        "{strange}"
    );
    assert!(said("echo 'no such option' >&2; exit 1").contains("no such option"));
    assert!(said("kill -9 $$").contains("no Nix that qvm knows"));
}

#[test]
fn one_in_a_share_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let (share, other) = (top.join("share"), top.join("other"));
    let path = fake(&share, "echo 'nix (Nix) 2.18.1'");
    let shared = [share.clone()];
    assert_eq!(search(&path, &shared), None);
    assert_eq!(search(&path, &[]), Some(share.join("nix")));
    // Nor through a link from elsewhere.
    fs::create_dir(&other).unwrap();
    std::os::unix::fs::symlink(share.join("nix"), other.join("nix")).unwrap();
    assert_eq!(search(other.as_os_str(), &shared), None);
    assert_eq!(search(OsStr::new("relative:."), &[]), None);
}

#[test]
fn a_workshop_is_empty_before_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    fs::create_dir_all(dir.path().join("nix/left/behind")).unwrap();
    let shop = Workshop::enter(&cache, &mut |_| {}).unwrap();
    assert_eq!(fs::read_dir(&shop.dir).unwrap().count(), 0);
    std::os::unix::fs::symlink("/", shop.dir.join("result")).unwrap();
    let place = shop.dir.clone();
    drop(shop);
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
}
