#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_root_is_the_lowest_wherever_its_disk_is() {
    for (root, lower) in [("/a", "/c:/b:/a"), ("/c", "/a:/b:/c")] {
        let options = overlay(["/a", "/b", "/c"].into_iter(), |place| place == root);
        let options = options.and_then(|options| options.into_string().ok()).unwrap_or_default();
        assert!(options.starts_with(&format!("lowerdir={lower},upperdir=")), "{options}");
    }
    assert_eq!(overlay(["/a"].into_iter(), |_| false), None);
}

#[test]
fn the_number_of_disks_is_bounded() {
    for (layers, expected) in
        [(None, 1), (Some("0"), 1), (Some("1"), 2), (Some("x"), 1), (Some("99"), DISKS.len())]
    {
        assert_eq!(disks(layers), expected, "{layers:?}");
    }
    assert_eq!(disks(Some("18446744073709551615")), DISKS.len());
}

#[test]
fn a_development_shell_with_files_for_login_shells_is_no_root() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    assert!(!is_root(place));
    fs::create_dir_all(place.join("etc/qvm")).unwrap();
    assert!(is_root(place));
    fs::write(place.join(DEV_SHELL), "").unwrap();
    assert!(!is_root(place));
}
