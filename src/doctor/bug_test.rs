#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn values_are_cleaned_bounded_and_on_one_line() {
    let private = Private::new(&[Path::new("/home/jane")], "jane", "box-of-jane");
    let facts = vec![
        fact("path", "/home/jane/x\ny\u{1b}[2J"),
        fact("long", "x".repeat(1000)),
        fact("who", "jane on box-of-jane"),
    ];
    let bug = Bug::new(vec![("some", facts)], &private);
    let text = bug.text();
    assert!(text.starts_with("[some]\npath: ~/x\\ny\\u{1b}[2J\nlong: xxx"), "{text}");
    assert!(text.contains("\nwho: (user) on (host)\n"), "{text}");
    assert!(text.lines().all(|line| line.len() < 420));
}

#[test]
fn limits_and_the_program_are_told() {
    assert!(limits().iter().any(|(name, value)| name == "open files" && value.contains(" of ")));
    assert_eq!(qvm()[0], fact("version", env!("CARGO_PKG_VERSION")));
}

#[test]
fn variables_are_named_and_not_told() {
    let mut host = Host::gather().unwrap();
    host.env = vec![("QVM_SECRET".into(), "hidden".into()), ("TOKEN".into(), "hidden".into())];
    let told = format!("{:?}", surroundings(&host));
    assert!(told.contains("QVM_SECRET") && !told.contains("hidden") && !told.contains("TOKEN"));
}

#[test]
fn a_folder_is_counted_without_following_links() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("a")).unwrap();
    std::fs::write(dir.path().join("a/b"), [0; 2048]).unwrap();
    std::os::unix::fs::symlink("/", dir.path().join("root")).unwrap();
    let told = size_of_files(dir.path());
    assert!(told.starts_with("2 KiB in 3 files") || told.starts_with("2.0 KiB"), "{told}");
}
