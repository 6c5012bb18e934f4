#![allow(clippy::unwrap_used)]

use super::*;
use crate::profile::GpuLayers;
use crate::source::{Choice, Source};

const FULL: &str = r#"
default = "qwen"
server = "~/bin/llama-server"
idle = "5m"
gpu = "nvidia"

[models.qwen]
model = "org/repo:file.gguf"
name = "Qwen"
description = "the big one"
speed = "fast"
context = "32k"
gpu_layers = 20
fit = false
fit_target = 512
parallel = 4
cache_ram = 8192
sampling = { temperature = 0.7, top_p = 0.8, top_k = 20, min_p = 0, presence_penalty = 1.5 }
mmproj = "org/repo:mmproj-F16.gguf"
args = ["--chat-template-kwargs", "{\"enable_thinking\":false}"]

[models."a.small_one"]
model = "/models/x.gguf"
gpu_layers = "auto"
context = 4096
hidden = true
"#;

fn parsed(text: &str) -> Models {
    parse(text, Path::new("models.toml")).unwrap()
}

fn message(text: &str) -> String {
    parse(text, Path::new("/c/models.toml")).unwrap_err().to_string()
}

#[test]
fn everything_is_read() {
    let models = parsed(FULL);
    assert_eq!(models.default.as_ref().unwrap().as_str(), "qwen");
    assert_eq!(models.server, Some("~/bin/llama-server".into()));
    assert_eq!(models.idle, Some(Duration::from_secs(300)));
    assert_eq!(models.gpu, Gpu::Nvidia);
    // In the order of the file, not of the alphabet.
    let ids: Vec<_> = models.profiles.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["qwen", "a.small_one"]);
    let qwen = models.get("qwen").unwrap();
    let Source::Hub(repo) = &qwen.model else { panic!("{:?}", qwen.model) };
    assert_eq!(repo.choice, Choice::File("file.gguf".into()));
    assert_eq!(qwen.context, Some(32768));
    assert_eq!(qwen.gpu_layers, GpuLayers::Count(20));
    assert!(!qwen.fit && !qwen.hidden);
    assert_eq!((qwen.fit_target, qwen.parallel, qwen.cache_ram), (Some(512), Some(4), Some(8192)));
    assert_eq!(qwen.args, ["--chat-template-kwargs", r#"{"enable_thinking":false}"#]);
    assert_eq!(qwen.sampling.min_p, Some(0.0));
    assert!(qwen.mmproj.is_some());
    assert_eq!(qwen.label(), "Qwen");
    let small = models.get("a.small_one").unwrap();
    assert!(small.fit && small.hidden);
    assert_eq!(small.gpu_layers, GpuLayers::Auto);
    assert_eq!(small.label(), "a.small_one");
    assert_eq!(models.shown().count(), 1);
    assert_eq!(models.default_profile().unwrap().id.as_str(), "qwen");
}

#[test]
fn the_only_model_is_the_default() {
    assert_eq!(parsed(""), Models::default());
    let one = parsed("[models.a]\nmodel = 'o/r'");
    assert_eq!(one.default_profile().unwrap().id.as_str(), "a");
    let two = parsed("[models.a]\nmodel = 'o/r'\n[models.b]\nmodel = 'o/r'");
    assert_eq!(two.default_profile(), None);
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, wanted) in [
        ("\nfoo = 1", "/c/models.toml:2: unknown field `foo`"),
        ("[models.a]\n", "/c/models.toml:1: missing field `model`"),
        ("[models.a]\nmodel = 'o/r'\nctx = 1", "/c/models.toml:3: unknown field `ctx`"),
        ("[models.a]\nmodel = 'o'", "/c/models.toml:2: \"o\" is neither a path"),
        ("[models.a]\nmodel = './x.gguf'", "/c/models.toml:2: a path in this file begins with /"),
        ("[models.a]\nmodel = 'o/r'\ncontext = '3x'", "/c/models.toml:3: a context is a number"),
        ("[models.a]\nmodel = 'o/r'\ncontext = 0", "/c/models.toml:3: a context has 1 to"),
        (
            "[models.a]\nmodel = 'o/r'\ngpu_layers = 'all'",
            "/c/models.toml:3: gpu_layers is \"auto\"",
        ),
        (
            "[models.a]\nmodel = 'o/r'\nargs = ['--port', '1']",
            "/c/models.toml:3: --port is not passed",
        ),
        (
            "[models.a]\nmodel = 'o/r'\nname = \"a\\nb\"",
            "/c/models.toml:1: models.a.name: one line",
        ),
        ("[models.a]\nmodel = 'o/r'\nparallel = 0", "/c/models.toml:1: models.a.parallel"),
        (
            "[models.a]\nmodel = 'o/r'\nsampling = { top_p = nan }",
            "/c/models.toml:1: models.a.sampling.top_p",
        ),
        (
            "[models.a]\nmodel = 'o/r'\nsampling = { heat = 1 }",
            "/c/models.toml:3: unknown field `heat`",
        ),
        ("[models.'../a']\nmodel = 'o/r'", "/c/models.toml:1: \"../a\" is no model id"),
        (
            "default = 'b'\n[models.a]\nmodel = 'o/r'",
            "/c/models.toml:1: default: there is no [models.b]",
        ),
        ("\n\nidle = 'x'", "/c/models.toml:3: a length of time"),
        ("gpu = 'intel'", "/c/models.toml:1: unknown variant `intel`"),
        ("x", "/c/models.toml:1: "),
    ] {
        let message = message(text);
        assert!(message.starts_with(wanted), "{text:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn an_absent_file_says_nothing_and_a_huge_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.toml");
    assert_eq!(read(&file).unwrap(), Models::default());
    std::fs::write(&file, FULL).unwrap();
    assert_eq!(read(&file).unwrap(), parsed(FULL));
    std::fs::write(&file, "#".repeat(300 << 10)).unwrap();
    assert!(matches!(read(&file), Err(ConfigError::TooLarge(_))));
    assert!(matches!(read(dir.path()), Err(ConfigError::Read(..))));
}
