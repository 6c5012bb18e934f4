#![allow(clippy::unwrap_used)]

use std::env::consts::ARCH;

use super::*;
use crate::FileEntry;

/// A directory with an image of these files.
fn image(dir: &Path, arch: &str, files: &[(&str, &[u8])]) -> Digest {
    fs::create_dir_all(dir).unwrap();
    let mut manifest = Manifest {
        format: 1,
        // As if made by a recipe of ours, which it is not.
        recipe: crate::Recipe::default_debian().digest(),
        arch: arch.into(),
        kernel: String::new(),
        packages: Vec::new(),
        files: std::collections::BTreeMap::new(),
    };
    for (name, content) in files {
        fs::write(dir.join(name), content).unwrap();
        let entry = FileEntry { size: content.len() as u64, sha256: Digest::of(content) };
        manifest.files.insert((*name).to_owned(), entry);
    }
    let bytes = manifest.to_json().unwrap();
    fs::write(dir.join("manifest.json"), &bytes).unwrap();
    Digest::of(&bytes)
}

struct Scene {
    top: tempfile::TempDir,
    cache: Cache,
}

impl Scene {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let cache = Cache::at(&top.path().join("cache"));
        Self { top, cache }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn exported(&self) -> (Digest, Vec<u8>) {
        let dir = self.path("made");
        let digest = image(&dir, ARCH, &[("root.erofs", b"root"), ("vmlinux", b"kernel")]);
        let file = self.path("image.tar");
        assert_eq!(export(&Image::open(&dir).unwrap(), &file).unwrap(), digest);
        (digest, fs::read(file).unwrap())
    }

    fn import(&self, bytes: &[u8], digest: Digest) -> Result<Image, ReadyError> {
        import(&self.cache, &mut { bytes }, digest, Arch::HOST, &mut |_| {})
    }

    /// Nothing got into the cache, and nothing lies about in it.
    fn assert_untouched(&self) {
        assert_eq!(self.cache.list().unwrap().len(), 0);
        let left = fs::read_dir(self.cache.temporary()).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }
}

#[test]
fn what_is_exported_can_be_imported_and_exported_again() {
    let scene = Scene::new();
    let (digest, bytes) = scene.exported();
    let taken = scene.import(&bytes, digest).unwrap();
    assert_eq!(taken.digest, digest);
    assert_eq!(fs::read(taken.root()).unwrap(), b"root");
    taken.check().unwrap();
    assert_eq!(scene.cache.image(&digest.short()).unwrap(), taken);
    // Twice is once.
    assert_eq!(scene.import(&bytes, digest).unwrap(), taken);
    let again = scene.path("again.tar");
    assert_eq!(export(&taken, &again).unwrap(), digest);
    assert_eq!(fs::read(again).unwrap(), bytes);
}

#[test]
fn an_image_that_says_it_is_the_default_does_not_become_it() {
    let scene = Scene::new();
    let (digest, bytes) = scene.exported();
    scene.import(&bytes, digest).unwrap();
    assert!(scene.cache.find(&crate::Recipe::default_debian()).unwrap().is_none());
}

#[test]
fn another_digest_an_altered_file_and_a_cut_leave_nothing() {
    let scene = Scene::new();
    let (digest, bytes) = scene.exported();
    let other = scene.import(&bytes, Digest::of(b"")).unwrap_err().to_string();
    assert!(other.contains(&digest.to_string()) && other.contains("altered"), "{other}");
    let text = |error: ReadyError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    };
    let mut altered = bytes.clone();
    let at = altered.windows(6).rposition(|w| w == b"kernel").unwrap();
    altered[at] = b'K';
    let said = text(scene.import(&altered, digest).unwrap_err());
    assert!(said.contains("vmlinux is not what manifest.json says"), "{said}");
    let said = text(scene.import(&bytes[..bytes.len() - 2048], digest).unwrap_err());
    assert!(said.contains("cut short"), "{said}");
    scene.assert_untouched();
}

#[test]
fn another_machines_image_is_refused() {
    let scene = Scene::new();
    let dir = scene.path("made");
    image(&dir, "vax", &[("root.erofs", b"root")]);
    let adopted = adopt(&scene.cache, &dir, scene.top.path(), &mut |_| {}).unwrap_err();
    assert!(adopted.to_string().contains("the image is for vax, and "));
    let opened = Image::open(&dir).unwrap().check().unwrap_err().to_string();
    assert!(opened.contains("vax"), "{opened}");
    scene.assert_untouched();
}

#[test]
fn a_directory_is_adopted_whose_links_stay_inside() {
    let scene = Scene::new();
    let (store, outside) = (scene.path("store"), scene.path("outside"));
    let digest = image(&store.join("made"), ARCH, &[("root.erofs", b"root")]);
    fs::write(&outside, b"root").unwrap();
    let adopt = || adopt(&scene.cache, &store.join("made"), &store, &mut |_| {});
    let root = store.join("made/root.erofs");
    fs::remove_file(&root).unwrap();
    std::os::unix::fs::symlink(&outside, &root).unwrap();
    assert!(matches!(adopt(), Err(ReadyError::Build(_))));
    scene.assert_untouched();
    fs::remove_file(&root).unwrap();
    fs::rename(&outside, store.join("other")).unwrap();
    std::os::unix::fs::symlink("../other", &root).unwrap();
    let image = adopt().unwrap();
    assert_eq!(image.digest, digest);
    assert!(fs::symlink_metadata(image.root()).unwrap().is_file());
}

#[test]
fn a_kernel_is_no_image_and_sizes_are_bounded() {
    let scene = Scene::new();
    let dir = scene.path("made");
    image(&dir, ARCH, &[("config", b""), ("vmlinux", b"")]);
    let adopt = || adopt(&scene.cache, &dir, scene.top.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(adopt(), ReadyError::Kind));
    image(&dir, ARCH, &[("root.erofs", b"root")]);
    let text = fs::read_to_string(dir.join("manifest.json")).unwrap();
    fs::write(dir.join("manifest.json"), text.replace("\"size\": 4", "\"size\": 999999999999999"))
        .unwrap();
    assert!(matches!(adopt(), ReadyError::Large(_)));
    scene.assert_untouched();
}
