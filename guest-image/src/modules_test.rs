#![allow(clippy::unwrap_used)]

use super::*;

const DEP: &str = "\
kernel/a/top.ko.xz: kernel/a/mid.ko.xz kernel/b/low-one.ko.xz
kernel/a/mid.ko.xz: kernel/b/low-one.ko.xz
kernel/b/low-one.ko.xz:
kernel/c/loop.ko: kernel/c/back.ko
kernel/c/back.ko: kernel/c/loop.ko
kernel/c/torn.ko: kernel/c/gone.ko
";

fn order(wanted: &[&str]) -> Result<Vec<String>, ModulesError> {
    let wanted: Vec<String> = wanted.iter().map(|&w| w.to_owned()).collect();
    load_order(DEP, "kernel/fs/fuse.ko\n", &wanted)
}

#[test]
fn what_is_needed_comes_first_and_once() {
    assert_eq!(
        order(&["top"]).unwrap(),
        ["kernel/b/low-one.ko.xz", "kernel/a/mid.ko.xz", "kernel/a/top.ko.xz"]
    );
    assert_eq!(
        order(&["low_one", "mid"]).unwrap(),
        ["kernel/b/low-one.ko.xz", "kernel/a/mid.ko.xz"]
    );
    assert_eq!(order(&["low-one", "low_one"]).unwrap().len(), 1);
}

#[test]
fn built_in_ones_are_left_out() {
    assert_eq!(order(&["fuse", "low_one"]).unwrap(), ["kernel/b/low-one.ko.xz"]);
}

#[test]
fn missing_ones_and_circles_are_errors() {
    assert!(matches!(order(&["none"]), Err(ModulesError::Missing(n)) if n == "none"));
    assert!(matches!(order(&["torn"]), Err(ModulesError::Missing(n)) if n == "gone"));
    assert!(matches!(order(&["loop"]), Err(ModulesError::Cycle(_))));
}
