#![allow(clippy::unwrap_used)]

use std::env::consts::ARCH;
use std::fs;

use super::*;
use crate::nix::tests::nix;
use crate::{Digest, FileEntry, Manifest};

/// A folder with a store at `root`, an image in it, and a Nix that counts its builds.
fn scene(top: &std::path::Path, arch: &str) -> Nix {
    let place = top.join("root/nix/store/qvm-test-image");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("root.erofs"), "root").unwrap();
    let entry = FileEntry { size: 4, sha256: Digest::of(b"root") };
    let manifest = Manifest {
        format: 1,
        recipe: Digest::of(b"closure"),
        arch: arch.into(),
        kernel: String::new(),
        packages: Vec::new(),
        files: [("root.erofs".to_owned(), entry)].into(),
    };
    fs::write(place.join("manifest.json"), manifest.to_json().unwrap()).unwrap();
    fs::write(top.join("tree"), "a").unwrap();
    let top = top.display();
    nix(&std::path::Path::new(&top.to_string()).join("bin"), &format!(
        "case \"$*\" in
*metadata*) echo \"{{\\\"path\\\":\\\"/nix/store/$(cat {top}/tree)-source\\\"}}\" ;;
*show-config*) echo '{{\"store\":{{\"value\":\"{top}/root\"}}}}' ;;
*build*) echo x >> {top}/builds; echo '[{{\"outputs\":{{\"out\":\"/nix/store/qvm-test-image\"}}}}]' ;;
*) exit 1 ;;
esac"
    ))
}

#[test]
fn built_once_until_the_flake_changes() {
    let dir = tempfile::tempdir().unwrap();
    let nix = scene(dir.path(), ARCH);
    let cache = Cache::at(&dir.path().join("cache"));
    let flake: Flake = "github:o/r#x".parse().unwrap();
    let make = || flake_image(&cache, &nix, &flake, Some("nixos"), &mut |_| {});
    let builds =
        || fs::read_to_string(dir.path().join("builds")).unwrap_or_default().lines().count();
    let image = make().unwrap();
    image.check().unwrap();
    assert_eq!(make().unwrap(), image);
    assert_eq!(builds(), 1);
    assert_eq!(cache.image("nixos").unwrap(), image);
    assert_eq!(cache.made_from(&flake).unwrap(), Some(image.clone()));
    // Another tree that gives the same image.
    fs::write(dir.path().join("tree"), "b").unwrap();
    assert_eq!(make().unwrap(), image);
    assert_eq!(builds(), 2);
    // One that is damaged is made again.
    fs::write(image.dir.join("manifest.json"), "{}").unwrap();
    assert_eq!(make().unwrap(), image);
    assert_eq!(builds(), 3);
    // One that was removed is, too, and prune keeps none that can be made again.
    cache.remove(&image.digest).unwrap();
    assert!(cache.origins().is_empty());
    make().unwrap();
    assert_eq!(cache.prune(&[]).unwrap().images, 1);
    assert!(cache.origins().is_empty());
}

#[test]
fn a_flake_of_the_store_costs_no_start_of_nix() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let flake: Flake = "/nix/store/qvm-test-source#x".parse().unwrap();
    let nix = scene(dir.path(), ARCH);
    let image = flake_image(&cache, &nix, &flake, None, &mut |_| {}).unwrap();
    let none = Nix::find(&crate::nix::tests::fake(dir.path(), "exit 1"), &[]).unwrap();
    assert_eq!(flake_image(&cache, &none, &flake, None, &mut |_| {}).unwrap(), image);
}

#[test]
fn what_cannot_be_used_is_told_with_the_flake_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let nix = scene(dir.path(), "vax");
    let cache = Cache::at(&dir.path().join("cache"));
    let flake: Flake = "github:o/r#x".parse().unwrap();
    let error = flake_image(&cache, &nix, &flake, None, &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "what github:o/r#x gives cannot be used");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("vax"));
    assert!(cache.list().unwrap().is_empty() && cache.origins().is_empty());
}
