#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;

use super::*;

const HOME: &str = "/home/you";

#[test]
fn files_come_with_folders_contents_and_modes() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".claude/skills")).unwrap();
    fs::write(dir.path().join(".claude/skills/a.md"), "a").unwrap();
    let script = dir.path().join(".claude/run.sh");
    fs::write(&script, "b").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o4750)).unwrap();
    let files = personal(dir.path(), Path::new(HOME)).unwrap();
    let told: Vec<_> = files.iter().map(|f| (f.path.to_str().unwrap(), f.mode)).collect();
    assert_eq!(told[0], ("/home/you/.claude/run.sh", 0o750));
    assert_eq!(told[1].0, "/home/you/.claude/skills/a.md");
    assert_eq!(files[1].contents, b"a");
}

#[test]
fn no_directory_is_no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(personal(&dir.path().join("none"), Path::new(HOME)).unwrap(), []);
}

#[test]
fn links_are_refused_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", dir.path().join("x")).unwrap();
    let error = personal(dir.path(), Path::new(HOME)).unwrap_err();
    assert!(matches!(error, HomeError::Kind(path) if path.ends_with("x")));
}

#[test]
fn a_link_in_place_of_the_directory_is_not_hidden() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(personal(&file, Path::new(HOME)), Err(HomeError::Read { .. })));
}

#[test]
fn bytes_and_files_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let limit = usize::try_from(MAX_HOME_BYTES).unwrap();
    fs::write(dir.path().join("a"), vec![0; limit]).unwrap();
    assert_eq!(personal(dir.path(), Path::new(HOME)).unwrap().len(), 1);
    fs::write(dir.path().join("b"), "x").unwrap();
    assert!(matches!(personal(dir.path(), Path::new(HOME)), Err(HomeError::TooMuch(_))));

    let dir = tempfile::tempdir().unwrap();
    for number in 0..=MAX_HOME_FILES {
        fs::write(dir.path().join(number.to_string()), "").unwrap();
    }
    assert!(matches!(personal(dir.path(), Path::new(HOME)), Err(HomeError::TooMuch(_))));
}

#[test]
fn depth_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("d/".repeat(MAX_DEPTH + 1))).unwrap();
    assert!(matches!(personal(dir.path(), Path::new(HOME)), Err(HomeError::TooMuch(_))));
}
