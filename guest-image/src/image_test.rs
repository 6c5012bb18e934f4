#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;
use crate::build::tests::{Small, recipe};
use crate::{Cache, build_with};

fn built() -> (tempfile::TempDir, Image) {
    let dir = tempfile::tempdir().unwrap();
    let image =
        build_with(&Cache::at(dir.path()), &recipe("a"), &Small::default(), &mut |_| {}).unwrap();
    (dir, image)
}

fn writable(path: &Path) -> File {
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    OpenOptions::new().write(true).open(path).unwrap()
}

#[test]
fn a_fresh_image_is_sound_and_needs_no_second_look() {
    let (_dir, image) = built();
    image.check().unwrap();
    assert_eq!(image.verified().unwrap(), image.stamps().unwrap());
    let mut count = 0;
    image.verify(&mut |n| count += n).unwrap();
    assert_eq!(count, image.manifest.size());
}

#[test]
fn a_truncated_file_is_named() {
    let (_dir, image) = built();
    writable(&image.root()).set_len(1).unwrap();
    let error = image.check().unwrap_err();
    assert!(matches!(&error, ImageError::Size { path, found: 1, .. } if *path == image.root()));
    assert!(error.to_string().contains("qvm image build"));
}

#[test]
fn an_altered_file_is_found_even_with_its_old_time() {
    let (_dir, image) = built();
    let path = image.vmlinux().unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let file = writable(&path);
    file.write_all_at(b"X", 0).unwrap();
    file.set_modified(modified).unwrap();
    assert!(matches!(image.check(), Err(ImageError::Altered { path: p }) if p == path));
    // And again: the failure did not pass for a success.
    assert!(image.check().is_err());
}

#[test]
fn an_untouched_copy_is_verified_once_more() {
    let (dir, image) = built();
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&image.dir).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let copy = Image::open(&copy).unwrap();
    assert_ne!(copy.verified(), copy.stamps().ok());
    copy.check().unwrap();
    assert_eq!(copy.verified(), copy.stamps().ok());
}

#[test]
fn missing_files_links_and_broken_manifests() {
    let (_dir, image) = built();
    fs::remove_file(image.modules().unwrap()).unwrap();
    assert!(matches!(image.check(), Err(ImageError::Read { .. })));
    std::os::unix::fs::symlink("vmlinux", image.modules().unwrap()).unwrap();
    assert!(matches!(image.check(), Err(ImageError::Altered { .. })));
    let mut manifest = writable(&image.dir.join(files::MANIFEST));
    manifest.write_all(b"}").unwrap();
    assert!(matches!(Image::open(&image.dir), Err(ImageError::Manifest { .. })));
}
