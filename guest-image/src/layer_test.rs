#![allow(clippy::unwrap_used)]

use super::*;
use crate::{CacheError, ImageError};

fn recipe(names: &[&str]) -> LayerRecipe {
    layer_for(Arch::HOST, names).unwrap().unwrap()
}

#[test]
fn the_order_of_agents_does_not_matter() {
    let one = recipe(&["claude", "llm"]);
    assert_eq!(one.digest(), recipe(&["llm", "claude", "llm"]).digest());
    assert_ne!(one.digest(), recipe(&["claude"]).digest());
    assert_eq!(one.agents().collect::<Vec<_>>(), ["claude", "llm"]);
    assert_eq!(layer_for(Arch::HOST, &[""; 0]).unwrap(), None);
}

#[test]
fn another_version_is_another_layer() {
    let one = recipe(&["claude"]);
    let mut other = one.clone();
    other.agents[0].pins[1] = "9.9.9";
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn agents_that_cannot_be_had_are_refused_with_the_reason() {
    let refused = |name: &str| layer_for(Arch::HOST, &[name]).unwrap_err().to_string();
    assert!(refused("cladue").contains("qvm agents"));
    assert!(refused("gemini").contains("Gemini API"));
    assert!(refused("goose").contains("npm"));
}

/// A layer in a new cache, made of a small file.
fn small(cache: &Cache, recipe: &LayerRecipe) -> Result<Layer, BuildError> {
    let order = Order {
        shelf: Shelf::Layers,
        digest: recipe.digest(),
        arch: recipe.arch,
        space: 0,
        manifest: None,
    };
    let make = |into: &Path, _: &Path, _: &mut dyn FnMut(Progress)| {
        std::fs::write(into.join(files::LAYER), "layer")?;
        let package = Package { name: "claude".into(), version: "1".into() };
        Ok(Contents { kernel: String::new(), packages: vec![package] })
    };
    carry_out(cache, &order, &make, &mut |_| {}).map(Layer)
}

#[test]
fn a_layer_is_kept_found_checked_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let recipe = recipe(&["claude"]);
    assert_eq!(cache.find_layer(&recipe).unwrap(), None);
    let built = small(&cache, &recipe).unwrap();
    let found = cache.find_layer(&recipe).unwrap().unwrap();
    assert_eq!(found, built);
    found.stored().check().unwrap();
    assert_eq!(found.agents()[0].name, "claude");
    assert_eq!(found.size(), 5);
    assert_eq!(cache.layers().unwrap().len(), 1);
    assert_eq!(cache.list().unwrap().len(), 0, "it is no image");

    cache.remove(&recipe.digest()).unwrap();
    assert_eq!(cache.find_layer(&recipe).unwrap(), None);
    assert!(matches!(cache.remove(&recipe.digest()), Err(CacheError::Unknown(_))));
}

#[test]
fn a_damaged_layer_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let recipe = recipe(&["claude"]);
    let layer = small(&cache, &recipe).unwrap();
    let path = layer.image();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "other").unwrap();
    assert!(matches!(layer.stored().check(), Err(ImageError::Altered { .. })));
    small(&cache, &recipe).unwrap().stored().check().unwrap();
}

#[test]
fn prune_keeps_what_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let (kept, other) = (recipe(&["claude"]), recipe(&["llm"]));
    small(&cache, &kept).unwrap();
    small(&cache, &other).unwrap();
    let pruned = cache.prune(&[kept.digest()]).unwrap();
    assert_eq!((pruned.images, pruned.layers, pruned.bytes), (0, 1, 5));
    assert!(cache.find_layer(&kept).unwrap().is_some());
}

#[test]
fn a_layer_in_place_of_an_image_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let recipe = recipe(&["claude"]);
    let layer = small(&cache, &recipe).unwrap();
    let place = cache.shelf(Shelf::Images).join(recipe.digest().to_string());
    std::fs::rename(&layer.stored().dir, place).unwrap();
    let found = cache.image(&recipe.digest().to_string());
    assert!(matches!(found, Err(CacheError::Image(ImageError::Misplaced { .. }))));
}
