#![allow(clippy::unwrap_used)]

use std::process::Command;

use super::*;

/// An archive of a small tree, made by `tar` with this option for its compression.
fn archive(dir: &Path, name: &str, option: &str) -> PathBuf {
    let top = dir.join("linux-6.12");
    for file in [
        "Makefile",
        "init/main.c",
        "sound/core/pcm.c",
        "sound/core/Kconfig",
        "Documentation/a/b.rst",
    ] {
        let path = top.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let archive = dir.join(name);
    let mut tar = Command::new("tar");
    tar.arg(option).arg("-cf").arg(&archive).arg("-C").arg(dir).arg("linux-6.12");
    assert!(tar.status().unwrap().success());
    archive
}

#[test]
fn only_what_is_needed_comes_out() {
    let dir = tempfile::tempdir().unwrap();
    for (name, option) in [("a.tar.xz", "-J"), ("a.tar.gz", "-z"), ("a.tar", "--format=gnu")] {
        let archive = archive(dir.path(), name, option);
        let tree = dir.path().join("tree");
        let mut seen = Vec::new();
        unpack(&archive, &tree, dir.path(), &mut |progress| seen.push(progress)).unwrap();
        assert_eq!(fs::read_to_string(tree.join("init/main.c")).unwrap(), "init/main.c");
        assert!(tree.join("Makefile").exists() && tree.join("sound/core/Kconfig").exists());
        assert!(
            !tree.join("sound/core/pcm.c").exists() && !tree.join("Documentation/a/b.rst").exists()
        );
        let last = seen.last().unwrap();
        assert!(last.phase == Phase::Unpack && last.done == last.total, "{last:?}");
        fs::remove_dir_all(&tree).unwrap();
    }
}

#[test]
fn a_broken_archive_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let whole = archive(dir.path(), "whole.tar.xz", "-J");
    let bytes = fs::read(&whole).unwrap();
    for (name, content) in
        [("cut.tar.xz", &bytes[..bytes.len() / 2]), ("none.tar.xz", b"hello"), ("no.tar", b"hello")]
    {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let tree = dir.path().join(format!("tree of {name}"));
        let error = unpack(&path, &tree, dir.path(), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(matches!(error, TreeError::Program { .. }));
    }
    let missing = dir.path().join("missing.tar");
    let error = unpack(&missing, &dir.path().join("x"), dir.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, TreeError::File(crate::FileError { action: "read", .. })));
}
