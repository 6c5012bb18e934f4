#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn everything_goes_but_what_is_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    let temporary = dir.path().join("tmp");
    let ours = dir.path().join("qvm-image-abc");
    let other = dir.path().join("precious");
    for (build, elsewhere) in [("build-1", &ours), ("build-2", &other)] {
        let work = temporary.join(build).join("work");
        fs::create_dir_all(work.join("root/usr")).unwrap();
        fs::create_dir_all(elsewhere).unwrap();
        fs::write(elsewhere.join("file"), b"").unwrap();
        remember(&work, elsewhere).unwrap();
    }
    fs::write(temporary.join("stray"), b"").unwrap();
    std::os::unix::fs::symlink(&other, temporary.join("link")).unwrap();

    clean_leftovers(&temporary).unwrap();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!ours.exists());
    assert!(other.join("file").exists());
}
