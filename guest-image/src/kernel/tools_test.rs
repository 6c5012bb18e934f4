use super::*;

#[test]
fn what_is_missing_is_named_once_and_by_package() {
    assert!(missing(|_| true, |_| true, true).is_empty());
    let has = |program: &str| program != "flex" && program != "xz";
    let there = |file: &str| !file.contains("keyring");
    assert_eq!(missing(has, there, false), ["flex", "xz-utils"]);
    assert_eq!(missing(has, there, true), ["flex", "xz-utils", "debian-archive-keyring"]);
    let all = missing(|_| false, |_| false, true);
    assert!(all.contains(&"gcc") && all.contains(&"libc6-dev"));
    assert_eq!(all.contains(&"libelf-dev"), cfg!(target_arch = "x86_64"));
}
