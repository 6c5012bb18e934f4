#![allow(clippy::unwrap_used)]

use super::*;
use crate::doctor::report::Level::{Ok as Well, Warn};

fn parsed(text: &str) -> Models {
    models::config::parse(text, Path::new("models.toml")).unwrap()
}

fn weights(folder: &Path) -> Weights {
    let path = folder.join("a.gguf");
    std::fs::write(&path, [0; 2048]).unwrap();
    Weights { parts: vec![models::Part { name: "a.gguf".into(), path }], mmproj: None }
}

fn info(devices: &[&str], messages: Option<bool>) -> Info {
    Info {
        pid: 7,
        model: "a".into(),
        name: "A".into(),
        source: "/a.gguf".into(),
        on_demand: true,
        state: State::Running,
        context: None,
        users: 0,
        failure: None,
        program: "/opt/llama-server".into(),
        devices: devices.iter().map(|name| (*name).to_owned()).collect(),
        messages,
    }
}

fn done(layers: Option<(u32, u32)>) -> Result<Computed, String> {
    Ok(Computed { took: Duration::from_millis(1500), layers, messages: false })
}

fn granted() -> Grants {
    Grants { devices: vec!["/dev/nvidia0".into()], ..Grants::default() }
}

#[test]
fn the_default_model_should_be_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let file = Path::new("/c/models.toml");
    let none = configured(file, &Models::default(), None);
    assert!(none.level == Well && none.fact.contains("--upstream"), "{}", none.fact);

    let local = parsed("[models.a]\nmodel = \"/a.gguf\"\n");
    let here = configured(file, &local, Some(&Ok(weights(dir.path()))));
    assert_eq!((here.level, &*here.fact), (Well, "/c/models.toml has 1 model; a is used, 2 KiB"),);
    let broken = configured(file, &local, Some(&Err("/a.gguf: no GGUF file".into())));
    assert_eq!(broken.level, Warn);
    assert!(broken.fact.contains("no GGUF") && broken.advice.unwrap().contains("/c/models.toml"));

    let hub = parsed("default = \"b\"\n[models.a]\nmodel = \"/a\"\n[models.b]\nmodel = \"o/r\"\n");
    let absent = configured(file, &hub, Some(&Err("offline".into())));
    assert_eq!(absent.level, Warn);
    assert!(absent.fact.contains("2 models") && absent.advice.unwrap().contains("models pull b"));

    let undecided = parsed("[models.a]\nmodel = \"/a\"\n[models.b]\nmodel = \"o/r\"\n");
    assert!(configured(file, &undecided, None).fact.contains("none is used"));
}

#[test]
fn a_context_too_small_for_claude_is_a_warning() {
    let small = context(32767);
    assert_eq!(small.level, Warn);
    assert!(small.fact.contains("32767") && small.advice.unwrap().contains("models.toml"));
    assert_eq!(context(32768).level, Well);
}

#[test]
fn the_last_word_on_the_context_counts() {
    let dir = tempfile::tempdir().unwrap();
    // No GGUF, so that only what is asked for is known.
    let weights = weights(dir.path());
    let tokens = |rest: &str| {
        let models = parsed(&format!("[models.a]\nmodel = \"/a\"\n{rest}"));
        tokens(&models.profiles[0], &weights)
    };
    assert_eq!(tokens(""), None);
    assert_eq!(tokens("context = \"16k\"\n"), Some(16384));
    assert_eq!(tokens("context = \"16k\"\nargs = [\"-c\", \"4096\"]\n"), Some(4096));
}

#[test]
fn nothing_is_said_of_what_nobody_tried() {
    assert_eq!(computation(false, None, None, &Grants::default()), None);
    let finding = computation(true, None, None, &granted()).unwrap();
    assert!(finding.level == Warn && finding.advice.unwrap().contains("models pull"));
}

#[test]
fn a_gpu_that_computes_nothing_is_a_warning() {
    let of = |done, gpu| computation(true, None, Some(&done), &gpu).unwrap();
    let cpu = of(done(None), Grants::default());
    assert_eq!((cpu.level, &*cpu.fact), (Well, "a token from the CPU in 1.5 s"));
    let some = of(done(Some((3, 31))), granted());
    assert!(some.level == Well && some.fact.contains("3 of 31 layers"), "{}", some.fact);
    assert_eq!(of(done(Some((0, 31))), granted()).level, Warn);
    assert_eq!(of(done(None), granted()).level, Well);
    let failed = of(Err("the server ended: out of memory".into()), granted());
    assert!(failed.level == Warn && failed.fact.contains("out of memory"));
}

#[test]
fn a_server_that_runs_is_not_disturbed() {
    let finding =
        computation(true, Some(&info(&["CUDA0"], None)), None, &Grants::default()).unwrap();
    assert_eq!((finding.level, &*finding.fact), (Well, "A is being served on the GPU"));
    let finding = computation(true, Some(&info(&[], None)), None, &granted()).unwrap();
    assert!(finding.fact.contains("served on the CPU"));
    let loading = Info { state: State::Starting, ..info(&[], None) };
    let finding = computation(true, Some(&loading), None, &granted()).unwrap();
    assert!(finding.fact.contains("being loaded"));
}

#[test]
fn what_claude_needs_is_known_once_a_server_was_asked() {
    assert_eq!(messages(Some(&info(&[], Some(true))), None).level, Well);
    let old = messages(Some(&info(&[], Some(false))), None);
    assert!(old.level == Warn && old.advice.unwrap().contains("December 2025"));
    assert_eq!(messages(None, Some(&done(None))).level, Warn);
    assert!(messages(None, None).fact.contains("not known"));
    assert!(messages(None, Some(&Err("x".into()))).fact.contains("not known"));
}
