#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;

use super::*;
use crate::fuzzing::sample_gguf;

#[test]
fn numbered_names() {
    let name = "a-00002-of-00003.gguf";
    let numbered = Numbered::of(name).unwrap();
    assert_eq!(numbered, Numbered { stem: "a", part: 2, parts: 3 });
    assert_eq!(numbered.all()[1], name);
    for name in [
        "a.gguf",
        "a-2-of-3.gguf",
        "a-00000-of-00003.gguf",
        "a-00004-of-00003.gguf",
        "a-00001-of-99999.gguf",
        "a-00001-of-00003",
        "a-é0001-of-00003.gguf",
        "a-+0001-of-00002.gguf",
        "-of-00003.gguf",
        "00001-of-00003.gguf",
    ] {
        assert_eq!(Numbered::of(name), None, "{name}");
    }
}

#[test]
fn one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.gguf");
    assert!(matches!(Weights::open(&path), Err(WeightsError::Open(..))));
    fs::write(&path, "<html>").unwrap();
    let error = Weights::open(&path).unwrap_err().to_string();
    assert!(error.contains("x.gguf") && error.contains("web page"), "{error}");
    let bytes = sample_gguf(3, &[], &[("general.architecture", "llama")]);
    fs::write(&path, &bytes).unwrap();
    // As in the hub's own cache: a link to a file of another name.
    let link = dir.path().join("y.gguf");
    symlink(&path, &link).unwrap();
    let weights = Weights::open(&link).unwrap();
    assert_eq!(weights.bytes, bytes.len() as u64);
    assert_eq!(weights.parts[0].name, "y.gguf");
    assert_eq!(weights.parts[0].path, path.canonicalize().unwrap());
    assert!(matches!(Weights::open(dir.path()), Err(WeightsError::NoFile(_))));
}

#[test]
fn all_parts_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = |part: u32| dir.path().join(format!("x-{part:05}-of-00003.gguf"));
    let bytes = sample_gguf(3, &[("split.count", 3)], &[]);
    fs::write(path(1), &bytes).unwrap();
    fs::write(path(3), &bytes).unwrap();
    let error = Weights::open(&path(1)).unwrap_err().to_string();
    assert!(error.starts_with("part 2 of 3 is missing: "), "{error}");
    fs::write(path(2), &bytes).unwrap();
    // Any part stands for all.
    let weights = Weights::open(&path(3)).unwrap();
    assert_eq!(weights.parts.len(), 3);
    assert_eq!(weights.parts[0].name, "x-00001-of-00003.gguf");
    let alone = dir.path().join("alone.gguf");
    fs::rename(path(1), &alone).unwrap();
    assert!(matches!(Weights::open(&alone), Err(WeightsError::Renamed { said: 3, .. })));
}
