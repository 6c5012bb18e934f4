#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

#[test]
fn whatever_differs_is_another_kernel() {
    let recipe = KernelRecipe::default_debian();
    assert_eq!(recipe.digest(), KernelRecipe::default_debian().digest());
    let mut others = vec![recipe.clone(); 5];
    others[0].config.push('\n');
    let [first, second] = Arch::ALL;
    others[1].arch = if recipe.arch == first { second } else { first };
    others[2].builder += 1;
    others[3].stamp.push(' ');
    others[4].patch.push(' ');
    for other in others {
        assert_ne!(other.digest(), recipe.digest());
    }
}

#[test]
fn an_archive_is_known_by_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = ["one.tar", "two.tar"].map(|name| dir.path().join(name));
    fs::write(&one, "a").unwrap();
    fs::write(&two, "a").unwrap();
    let digest = |path: &Path| KernelRecipe::of_archive(path).unwrap().digest();
    assert_eq!(digest(&one), digest(&two));
    fs::write(&two, "b").unwrap();
    assert_ne!(digest(&one), digest(&two));
    assert_ne!(digest(&one), KernelRecipe::default_debian().digest());
    assert!(KernelRecipe::of_archive(&dir.path().join("none")).is_err());
}
