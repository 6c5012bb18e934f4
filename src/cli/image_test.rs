#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_table_names_the_default_and_what_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    assert!(table(&[]).contains("qvm image build"));
    let digest = Recipe::default_debian().digest();
    std::fs::create_dir_all(dir.path().join("images").join(digest.to_string())).unwrap();
    let rows: Vec<_> = cache.list().unwrap().iter().map(|(d, i)| Row::new(d, i, &[])).collect();
    let text = table(&rows);
    assert!(text.contains("(default)") && text.contains("run `qvm image build`"), "{text}");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn a_table_names_where_images_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let digest = Recipe::default_debian().digest();
    std::fs::create_dir_all(dir.path().join("images").join(digest.to_string())).unwrap();
    let origin = Origin {
        name: Some("nixos".into()),
        source: "flake:/x#guest-image".into(),
        state: None,
        digest,
    };
    let (digest, image) = cache.list().unwrap().remove(0);
    let row = Row { error: None, ..Row::new(&digest, &image, &[origin]) };
    let text = table(&[row]);
    assert!(text.contains("flake:/x#guest-image  (nixos)"), "{text}");
}

#[test]
fn default_means_the_one_for_a_machine() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    for arch in Arch::ALL {
        for (name, flavour) in [("default", None), ("default", Some("x")), ("microvm", None)] {
            let none = place(&cache, name, arch, flavour).unwrap_err().to_string();
            assert!(none.contains("qvm image build"), "{none}");
        }
    }
    let digest = Recipe::debian(Arch::Aarch64, None).digest();
    std::fs::create_dir_all(dir.path().join("images").join(digest.to_string())).unwrap();
    // It is looked for there, and is no image.
    let damaged = place(&cache, "default", Arch::Aarch64, None).unwrap_err().to_string();
    assert!(damaged.contains(&digest.to_string()), "{damaged}");
    assert!(matches!(place(&cache, "default", Arch::X86_64, None), Err(CacheError::Unknown(_))));
}

#[test]
fn a_typing_error_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let digest = Recipe::default_debian().digest().to_string();
    let kept = dir.path().join("images").join(&digest);
    std::fs::create_dir_all(&kept).unwrap();
    assert!(remove(&cache, &[digest.clone(), "nope".into()]).is_err());
    assert!(kept.exists());
    remove(&cache, &[digest]).unwrap();
    assert!(!kept.exists());
}
