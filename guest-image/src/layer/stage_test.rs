#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn modes_do_not_depend_on_who_made_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path()).unwrap();
    let lib = stage.folder("x", "lib/__pycache__").unwrap();
    fs::write(lib.join("a.pyc"), "").unwrap();
    let module = lib.parent().unwrap().join("a.py");
    fs::write(&module, "").unwrap();
    fs::set_permissions(&module, Permissions::from_mode(0o600)).unwrap();
    let program = dir.path().join("program");
    fs::write(&program, "").unwrap();
    stage.take(&program, "x", "bin/x").unwrap();
    stage.link("x", "bin/x").unwrap();
    settle(&stage.root).unwrap();
    let mode = |path: &str| {
        fs::symlink_metadata(stage.root.join(path)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("opt/qvm/agents/x/lib/a.py"), 0o644);
    assert_eq!(mode("opt/qvm/agents/x/bin/x"), 0o755);
    assert_eq!(mode("opt/qvm/agents/x/lib"), 0o755);
    assert!(!lib.exists());
    let link = fs::read_link(stage.root.join("usr/local/bin/x")).unwrap();
    assert_eq!(link, Path::new("/opt/qvm/agents/x/bin/x"));
}
