#![allow(clippy::unwrap_used)]

use super::*;

fn sample() -> Manifest {
    let entry = FileEntry { size: 3, sha256: Digest::of(b"abc") };
    Manifest {
        format: FORMAT,
        recipe: Digest::of(b"recipe"),
        arch: "x86_64".to_owned(),
        kernel: "6.12".to_owned(),
        packages: vec![Package { name: "git".to_owned(), version: "1:2".to_owned() }],
        files: ["modules.cpio", "root.erofs", "vmlinux", "vmlinuz"]
            .map(|name| (name.to_owned(), entry))
            .into(),
    }
}

#[test]
fn written_and_read() {
    let manifest = sample();
    assert_eq!(Manifest::parse(&manifest.to_json().unwrap()).unwrap(), manifest);
    assert_eq!(manifest.size(), 12);
}

#[test]
fn other_formats_are_told_apart_from_damage() {
    // A newer format may have fields that this one does not know.
    let newer = br#"{"format": 2, "layers": []}"#;
    assert!(matches!(Manifest::parse(newer), Err(ManifestError::Format(2))));
    assert!(matches!(Manifest::parse(b""), Err(ManifestError::Json(_))));
    assert!(matches!(Manifest::parse(b"{\"format\": 1}"), Err(ManifestError::Json(_))));
}

#[test]
fn files_are_those_of_an_image_and_no_path() {
    let mut manifest = sample();
    let entry = manifest.files.remove("root.erofs").unwrap();
    assert!(matches!(Manifest::parse(&manifest.to_json().unwrap()), Err(ManifestError::Files)));
    manifest.files.insert("../../etc/passwd".to_owned(), entry);
    assert!(matches!(Manifest::parse(&manifest.to_json().unwrap()), Err(ManifestError::Files)));
}
