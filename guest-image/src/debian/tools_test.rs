use super::*;

#[test]
fn names_the_packages_that_are_missing() {
    assert!(missing(|_| true, true, true).is_empty());
    assert_eq!(
        missing(|_| false, false, false).join(" "),
        "mmdebstrap erofs-utils xz-utils zstd dpkg debian-archive-keyring uidmap"
    );
    assert_eq!(missing(|program| program != "newuidmap", true, false), ["uidmap"]);
    assert!(missing(|program| program != "newuidmap", true, true).is_empty());
}

#[test]
fn the_message_is_a_command_to_type() {
    let error = ToolsError::Packages { packages: "mmdebstrap zstd".to_owned(), sudo: "sudo " };
    assert!(error.to_string().ends_with("run `sudo apt-get install mmdebstrap zstd`"));
}

#[test]
fn ranges_of_ids() {
    let text = "ann:100000:65536\n1001:165536:65536\nbob:9:10\nbroken\n";
    assert!(has_range(text, "ann", 1000));
    assert!(has_range(text, "carl", 1001));
    assert!(!has_range(text, "bob", 1002));
    assert!(!has_range(text, "broken", 1003));
    assert!(!has_range("", "ann", 1000));
}
