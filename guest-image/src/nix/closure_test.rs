#![allow(clippy::unwrap_used)]

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::nix::tests::nix;

#[test]
fn only_store_paths_and_sizes_are_understood() {
    let path = parse("/nix/store/abc-x-1.0 \t   1234").unwrap();
    assert_eq!((path.path.as_path(), path.size), (Path::new("/nix/store/abc-x-1.0"), 1234));
    for line in [
        "",
        "/nix/store/abc",
        "/nix/store 1",
        "/nix/store/ 1",
        "/nix/store/../../etc 1",
        "/nix/store/a/b 1",
        "/etc/passwd 1",
        "/nix/store/a -1",
        "/nix/store/a 1 2",
    ] {
        assert_eq!(parse(line), None, "{line:?}");
    }
}

#[test]
fn a_closure_is_sorted_and_garbage_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |said: &str| {
        let nix = nix(&dir.path().join("bin"), &format!("printf '{said}'"));
        closure(&nix, Path::new("/x"), &dir.path().join("log"))
    };
    let names = |said| ask(said).unwrap().into_iter().map(|p| p.size).collect::<Vec<_>>();
    assert_eq!(names("/nix/store/b 2\\n/nix/store/a 1\\n/nix/store/b 2\\n"), [1, 2]);
    assert!(ask("/etc/passwd 1").unwrap_err().to_string().contains("not understood"));
}

#[test]
fn a_store_elsewhere_is_found_by_nixs_settings() {
    assert_eq!(root_of("/a/b").unwrap(), Path::new("/a/b"));
    assert_eq!(root_of("local?root=/a&x=y").unwrap(), Path::new("/a"));
    assert_eq!(root_of("local:///a").unwrap(), Path::new("/a"));
    assert_eq!(root_of("auto"), None);
    assert_eq!(root_of("ssh://host"), None);
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("nix/store/qvm-test-x")).unwrap();
    let settings = format!("echo '{{\"store\":{{\"value\":\"{}\"}}}}'", root.display());
    let nix = nix(&dir.path().join("bin"), &settings);
    let found = on_disk(&nix, Path::new("/nix/store/qvm-test-x")).unwrap();
    assert_eq!(found, root.join("nix/store/qvm-test-x"));
    for path in ["/nix/store/qvm-test-y", "/etc", "/nix/store/../../etc", "relative"] {
        let error = on_disk(&nix, Path::new(path)).unwrap_err();
        assert!(matches!(error, NixError::Elsewhere(_)), "{path}");
    }
}

#[test]
fn a_tree_is_brought_by_second_names_and_can_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    fs::create_dir_all(from.join("bin")).unwrap();
    fs::write(from.join("bin/x"), "x").unwrap();
    fs::set_permissions(from.join("bin/x"), fs::Permissions::from_mode(0o555)).unwrap();
    symlink("/etc/shadow", from.join("link")).unwrap();
    fs::set_permissions(from.join("bin"), fs::Permissions::from_mode(0o555)).unwrap();
    bring(&from, &to).unwrap();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&from.join("bin/x")), inode(&to.join("bin/x")));
    assert_eq!(fs::metadata(to.join("bin/x")).unwrap().mode() & 0o777, 0o555);
    // A link is a link, wherever it leads.
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/etc/shadow"));
    fs::remove_dir_all(&to).unwrap();
    assert_eq!(fs::read_to_string(from.join("bin/x")).unwrap(), "x");
    fs::set_permissions(from.join("bin"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_no_store_has_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = bring(&socket, &dir.path().join("to")).unwrap_err();
    assert!(matches!(error, FileError { action: "copy", .. }));
}
