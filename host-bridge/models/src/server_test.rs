#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

/// An executable file.
fn executable(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "\x7fELF").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    (dir, real)
}

#[test]
fn what_is_said_goes_before_what_is_found() {
    let (_keep, dir) = folder();
    let places = ["option", "config", "variable", "path"].map(|name| dir.join(name).join(NAME));
    places.iter().for_each(|place| executable(place));
    let path = dir.join("path");
    let mut search = Search {
        option: Some(&places[0]),
        config: Some(&places[1]),
        variable: Some(places[2].as_os_str()),
        path: Some(path.as_os_str()),
        ..Search::default()
    };
    assert_eq!(Server::find(&search).unwrap().program, places[0]);
    search.option = None;
    assert_eq!(Server::find(&search).unwrap().program, places[1]);
    search.config = None;
    assert_eq!(Server::find(&search).unwrap().program, places[2]);
    search.variable = Some(OsStr::new(""));
    assert_eq!(Server::find(&search).unwrap().program, places[3]);
}

#[test]
fn what_was_named_must_be_there() {
    let (_keep, dir) = folder();
    let plain = dir.join("plain");
    fs::write(&plain, "").unwrap();
    let script = dir.join("script");
    executable(&script);
    fs::write(&script, "#!/bin/sh\nexec llama-server\n").unwrap();
    for (path, why) in [
        (dir.join("none"), "there is no such file"),
        (dir.clone(), "that is no file"),
        (plain, "that is not executable"),
        (script, "that is a script"),
    ] {
        let search = Search { option: Some(&path), ..Search::default() };
        let error = Server::find(&search).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("--server-bin"), "{error}");
    }
}

#[test]
fn nothing_in_a_shared_folder_is_run() {
    let (_keep, dir) = folder();
    let (shared, own) = (dir.join("shared"), dir.join("own"));
    executable(&shared.join(NAME));
    executable(&own.join(NAME));
    // A link does not hide where the program is.
    let link = dir.join("links");
    fs::create_dir(&link).unwrap();
    symlink(shared.join(NAME), link.join(NAME)).unwrap();
    let shares = [shared.clone()];
    let path = env::join_paths([&shared, &link, &own]).unwrap();
    let mut search = Search { path: Some(&path), shared: &shares, ..Search::default() };
    assert_eq!(Server::find(&search).unwrap().program, own.join(NAME));
    let said = link.join(NAME);
    search.option = Some(&said);
    assert_eq!(Server::find(&search), Err(ServerError::Shared(shared.join(NAME))));
}

#[test]
fn the_private_root_is_found_before_path() {
    let (_keep, dir) = folder();
    let root = dir.join("llama-server/2026-01");
    executable(&root.join("usr/bin/llama-server"));
    let backends = root.join("usr/lib/x86_64-linux-gnu/ggml/backends0");
    fs::create_dir_all(&backends).unwrap();
    fs::write(backends.join("libggml-vulkan.so"), "").unwrap();
    symlink("2026-01", dir.join("llama-server/current")).unwrap();
    let other = dir.join("bin");
    executable(&other.join(NAME));
    let mut search =
        Search { cache: Some(&dir), path: Some(other.as_os_str()), ..Search::default() };
    let server = Server::find(&search).unwrap();
    assert_eq!(server.layout, Layout::Rooted { root: root.clone() });
    assert_eq!(server.backends, [Backend::Vulkan]);
    // A program that is not in the root is not the root's.
    fs::remove_file(root.join("usr/bin/llama-server")).unwrap();
    symlink(other.join(NAME), root.join("usr/bin/llama-server")).unwrap();
    assert_eq!(Server::find(&search).unwrap().program, other.join(NAME));
    let shares = [dir.clone()];
    search.shared = &shares;
    assert!(!Server::find(&search).is_ok_and(|server| server.program.starts_with(&dir)));
}

#[test]
fn an_installed_program_gets_its_own_libraries_and_no_more() {
    let (_keep, dir) = folder();
    executable(&dir.join("bin").join(NAME));
    fs::create_dir(dir.join("lib")).unwrap();
    let program = dir.join("bin").join(NAME);
    let search = Search { option: Some(&program), ..Search::default() };
    let libraries = |server: Server| match server.layout {
        Layout::Installed { libraries, .. } => libraries,
        Layout::Rooted { .. } => panic!("{server:?}"),
    };
    let found = libraries(Server::find(&search).unwrap());
    assert!(found.iter().all(|l| l.is_dir() && !l.starts_with(&dir)), "{found:?}");
    fs::write(dir.join("lib/libllama.so"), "").unwrap();
    fs::write(dir.join("bin/libggml-cuda.so"), "").unwrap();
    let server = Server::find(&search).unwrap();
    assert_eq!(server.backends, [Backend::Cuda]);
    let found = libraries(server);
    assert!(found.contains(&dir.join("lib")) && found.contains(&dir.join("bin")), "{found:?}");
}

#[test]
fn nothing_is_found_nowhere() {
    let search = Search { path: Some(OsStr::new("relative:")), ..Search::default() };
    match Server::find(&search) {
        Err(error) => assert_eq!(error, ServerError::Absent),
        // This machine has one in one of the fixed places.
        Ok(server) => assert_eq!(server.program.file_name(), Some(OsStr::new(NAME))),
    }
}

#[test]
fn inner_folders_are_dropped() {
    let mut folders = ["/usr/lib", "/usr/lib/x", "/usr/lib", "/a"].map(PathBuf::from).to_vec();
    drop_inner(&mut folders);
    assert_eq!(folders, ["/usr/lib", "/a"].map(PathBuf::from));
    assert!(too_old(Path::new("/x")).contains("llamafile 0.10.0"));
}
