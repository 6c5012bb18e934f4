#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn progress_is_told_in_one_line() {
    let progress = |step, done, total| Progress { step, name: "a\nb.gguf".into(), done, total };
    let told = text(&progress(Step::Fetching, 512 << 20, 2 << 30));
    assert_eq!(told, "fetching a\\nb.gguf: 25% (512 MiB of 2 GiB)");
    // Nothing is known yet.
    assert!(text(&progress(Step::Fetching, 0, 0)).contains("0%"));
    assert!(!text(&progress(Step::Listing, 0, 0)).contains('\n'));
}

#[test]
fn what_is_not_here_is_not_looked_for_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let source: Source = "org/repo".parse().unwrap();
    let profile = Profile::new(source.id(), source);
    let why = there(&profile, dir.path(), dir.path()).unwrap_err();
    assert!(why.contains("org/repo"), "{why}");
}
