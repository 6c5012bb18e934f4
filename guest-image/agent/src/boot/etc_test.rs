#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn a_host_name_that_could_forge_lines_is_replaced() {
    assert_eq!(hostname("my-box.local"), "my-box.local");
    for name in ["", "a b", "a\n::1 evil", "ü", &"x".repeat(65)] {
        assert_eq!(hostname(name), "qvm", "{name:?}");
    }
}

#[test]
fn localhost_means_both_loopback_addresses() {
    let hosts = hosts("box");
    assert!(
        hosts.contains("127.0.0.1 localhost\n")
            && hosts.contains("::1 localhost ")
            && hosts.contains(" box\n")
    );
}

/// What `/etc/passwd` of NixOS can be: a file, a link into the store, a link that leads nowhere,
/// nothing.
#[test]
fn a_link_gives_way_to_a_file_and_its_target_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("store"), "theirs\n").unwrap();
    symlink("store", at("link")).unwrap();
    symlink("nothing", at("lost")).unwrap();
    fs::write(at("file"), "theirs\n").unwrap();
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).unwrap();
    let add = |old: &[u8]| [old, b"ours\n"].concat();
    for (name, content, mode) in [
        ("link", "theirs\nours\n", 0o600),
        ("lost", "base\nours\n", 0o600),
        ("absent", "base\nours\n", 0o600),
        ("file", "theirs\nours\n", 0o640),
    ] {
        change(&at(name), 0o600, b"base\n", &add).unwrap();
        let found = fs::symlink_metadata(at(name)).unwrap();
        assert!(found.is_file(), "{name}");
        assert_eq!(found.permissions().mode() & 0o777, mode, "{name}");
        assert_eq!(fs::read_to_string(at(name)).unwrap(), content, "{name}");
    }
    assert_eq!(fs::read_to_string(at("store")).unwrap(), "theirs\n");
    assert!(change(&at("."), 0o600, b"", &add).is_err());
}
