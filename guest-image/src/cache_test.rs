#![allow(clippy::unwrap_used)]

use super::*;
use crate::build::tests::{Small, recipe};
use crate::build_with;

fn from(variables: &[(&str, &str)]) -> Result<Cache, CacheError> {
    Cache::from_variables(|name| {
        variables.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v))
    })
}

#[test]
fn the_variables_in_their_order() {
    assert_eq!(from(&[("HOME", "/h")]).unwrap().root(), Path::new("/h/.cache/qvm"));
    assert_eq!(
        from(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]).unwrap().root(),
        Path::new("/x/qvm")
    );
    assert_eq!(
        from(&[("XDG_CACHE_HOME", "/x"), ("QVM_CACHE", "/q")]).unwrap().root(),
        Path::new("/q")
    );
    assert_eq!(
        from(&[("HOME", "/h"), ("XDG_CACHE_HOME", "")]).unwrap().root(),
        Path::new("/h/.cache/qvm")
    );
    assert!(matches!(from(&[]), Err(CacheError::NoHome)));
    assert!(matches!(from(&[("QVM_CACHE", "here")]), Err(CacheError::Relative { .. })));
}

#[test]
fn found_by_digest_its_beginning_and_path() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    assert!(cache.list().unwrap().is_empty());
    assert_eq!(cache.find(&recipe("a")).unwrap(), None);
    let image = build_with(&cache, &recipe("a"), &Small::default(), &mut |_| {}).unwrap();
    let digest = image.digest.to_string();
    assert_eq!(cache.find(&recipe("a")).unwrap().as_ref(), Some(&image));
    assert_eq!(cache.image(&digest).unwrap(), image);
    assert_eq!(cache.image(&digest[..4]).unwrap(), image);
    assert_eq!(cache.image(image.dir.to_str().unwrap()).unwrap(), image);
    for name in ["", "nonesuch", "default", &"0".repeat(65)] {
        assert!(matches!(cache.image(name), Err(CacheError::Unknown(_))), "{name}");
    }
    assert!(matches!(cache.image("/nonesuch"), Err(CacheError::Image(_))));
}

#[test]
fn removed_and_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let images: Vec<_> = ["a", "b", "c"]
        .map(|name| build_with(&cache, &recipe(name), &Small::default(), &mut |_| {}).unwrap())
        .into();
    cache.remove(&images[0].digest).unwrap();
    assert!(matches!(cache.remove(&images[0].digest), Err(CacheError::Unknown(_))));
    fs::create_dir(cache.temporary().join("build-dead")).unwrap();
    let pruned = cache.prune(&[images[1].digest]).unwrap();
    assert_eq!(
        pruned,
        Pruned { images: 1, layers: 0, kernels: 0, bytes: images[2].manifest.size() }
    );
    let left: Vec<_> = cache.list().unwrap().into_iter().map(|(digest, _)| digest).collect();
    assert_eq!(left, [images[1].digest]);
    assert_eq!(fs::read_dir(cache.temporary()).unwrap().count(), 0);
}

#[test]
fn nothing_is_removed_under_a_builder() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    cache.prepare().unwrap();
    let _lock = Lock::try_acquire(&cache.lock_path()).unwrap().unwrap();
    assert!(matches!(cache.prune(&[]), Err(CacheError::Busy)));
}

#[test]
fn the_directory_of_one_image_with_another_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let image = build_with(&cache, &recipe("a"), &Small::default(), &mut |_| {}).unwrap();
    fs::rename(&image.dir, cache.shelf(Shelf::Images).join(recipe("b").digest().to_string()))
        .unwrap();
    assert!(matches!(
        cache.find(&recipe("b")),
        Err(CacheError::Image(ImageError::Misplaced { .. }))
    ));
}
