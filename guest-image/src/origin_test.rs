#![allow(clippy::unwrap_used)]

use super::*;

fn origin(name: Option<&str>, source: &str, state: bool) -> Origin {
    Origin {
        name: name.map(str::to_owned),
        source: source.to_owned(),
        state: state.then(|| Digest::of(source.as_bytes())),
        digest: Digest::of(source.as_bytes()),
    }
}

#[test]
fn one_of_a_source_and_one_of_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    assert_eq!(cache.origins(), []);
    let (a, b) = (origin(Some("nixos"), "a", true), origin(None, "b", true));
    cache.record(&a).unwrap();
    cache.record(&b).unwrap();
    assert_eq!(cache.origins(), [a.clone(), b.clone()]);
    assert_eq!(cache.origin("a"), Some(a));
    let c = origin(Some("nixos"), "c", false);
    cache.record(&c).unwrap();
    assert_eq!(cache.origins(), [c, b.clone()]);
    cache.record(&Origin { name: Some("x".into()), ..b }).unwrap();
    assert_eq!(cache.origins().len(), 2);
}

#[test]
fn a_damaged_or_swapped_one_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let (a, b) = (origin(None, "a", true), origin(None, "b", true));
    cache.record(&a).unwrap();
    cache.record(&b).unwrap();
    fs::copy(cache.origin_path("b"), cache.origin_path("a")).unwrap();
    assert_eq!(cache.origin("a"), None);
    fs::write(cache.origin_path("a"), "{").unwrap();
    assert_eq!(cache.origin("a"), None);
    assert_eq!(cache.origins(), [b]);
}
