#![allow(clippy::unwrap_used)]

use super::*;
use crate::nix::tests::nix;

fn task(log: Option<&Path>) -> Task<'_> {
    Task { doing: "testing", limit: 1000, patience: Some(Duration::from_secs(60)), log }
}

#[test]
fn the_first_line_that_says_what_is_wrong_is_told_and_all_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let shop = dir.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let script = "cat >&2 <<'X'\nwarning: x\n\u{1b}[31;1merror:\u{1b}[0m\n       … while calling\n       \u{1b}[31;1merror:\u{1b}[0m attribute 'x' missing\u{7}\nerror: later\nX\nexit 1";
    let nix = nix(&dir.path().join("bin"), script);
    let error = nix.run(&[], &task(Some(&shop.join("log")))).unwrap_err();
    let text = error.to_string();
    let kept = dir.path().join("nix.log");
    assert_eq!(text, format!("testing failed: attribute 'x' missing (see {})", kept.display()));
    assert!(fs::read_to_string(kept).unwrap().contains("while calling"));
}

#[test]
fn it_reads_nothing_and_takes_no_settings_from_a_flake() {
    let dir = tempfile::tempdir().unwrap();
    let nix = nix(dir.path(), "cat; echo \"$@\"");
    let said = String::from_utf8(nix.run(&[OsStr::new("x")], &task(None)).unwrap()).unwrap();
    assert!(said.contains("--option accept-flake-config false x"), "{said}");
}

#[test]
fn too_much_and_too_slow_are_ended() {
    let dir = tempfile::tempdir().unwrap();
    let much = nix(dir.path(), "yes");
    assert!(matches!(much.run(&[], &task(None)), Err(NixError::TooMuch { limit: 1000, .. })));
    let slow = nix(dir.path(), "echo $$ > \"${0%/*}/pid\"; exec sleep 1000");
    let hasty = Task { patience: Some(Duration::from_secs(2)), ..task(None) };
    let error = slow.run(&[], &hasty).unwrap_err().to_string();
    assert!(error.contains("longer than 2 s"), "{error}");
    let pid = fs::read_to_string(dir.path().join("pid")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn a_full_disk_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let nix = nix(dir.path(), "echo 'error: writing: No space left on device' >&2; exit 1");
    let error = nix.run(&[], &task(None)).unwrap_err();
    assert!(
        matches!(error, NixError::Failed { source: Some(e), .. } if e.kind() == io::ErrorKind::StorageFull)
    );
}
