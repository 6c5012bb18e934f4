#![allow(clippy::unwrap_used)]

use super::*;

const FULL: &str = r#"# models
[qwen-coder]
NAME=Qwen3 Coder = good
DESCRIPTION="for code"
SPEED=~150 t/s
MODEL=/models/qwen.gguf
CTX_SIZE=65536
N_GPU_LAYERS=99
FIT=on
FIT_TARGET=512
EXTRA_ARGS=--temp 0.7 --top-p 0.8 --chat-template-kwargs '{"enable_thinking":false}'

; another
[bench-small]
MODEL = org/repo:x.gguf
n_gpu_layers = 20
FIT = off
CTX_SIZE = 0
COLOR = red
"#;

#[test]
fn everything_is_taken_over() {
    let imported = parse(FULL, "models.conf").unwrap();
    let [qwen, small] = imported.profiles.as_slice() else { panic!("{imported:?}") };
    assert_eq!(qwen.label(), "Qwen3 Coder = good");
    assert_eq!(qwen.description.as_deref(), Some("for code"));
    assert_eq!(qwen.speed.as_deref(), Some("~150 t/s"));
    assert_eq!(qwen.model, Source::File("/models/qwen.gguf".into()));
    assert_eq!((qwen.context, qwen.fit, qwen.fit_target), (Some(65536), true, Some(512)));
    assert_eq!(qwen.gpu_layers, GpuLayers::Auto);
    assert_eq!(qwen.args[4..], ["--chat-template-kwargs", r#"{"enable_thinking":false}"#]);
    assert!(!qwen.hidden);
    assert!(small.hidden && !small.fit);
    assert_eq!(small.gpu_layers, GpuLayers::Count(20));
    assert_eq!(small.context, None);
    let notes = imported.notes.join("\n");
    assert_eq!(imported.notes.len(), 3, "{notes}");
    assert!(notes.contains("models.conf:8: N_GPU_LAYERS=99 became \"auto\""), "{notes}");
    assert!(notes.contains("models.conf:19: COLOR is unknown and was left out"), "{notes}");
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, wanted) in [
        ("NAME=x", "c:1: NAME stands before any [id]"),
        ("[a]\n[b]", "c:1: [a] has no MODEL"),
        ("[a]", "c:1: [a] has no MODEL"),
        ("[a", "c:1: no ] here"),
        ("[a b]", "c:1: \"a b\" is no model id"),
        ("[a]\nMODEL=o/r\n[a]\nMODEL=o/r", "c:3: [a] is there twice"),
        ("[a]\nwhat", "c:2: neither [id] nor KEY=VALUE"),
        ("[a]\nMODEL=../x.gguf", "c:2: MODEL: \"../x.gguf\" begins with"),
        ("[a]\nMODEL=x", "c:2: MODEL: \"x\" is neither a path"),
        ("[a]\nCTX_SIZE=many", "c:2: CTX_SIZE: a context is"),
        ("[a]\nN_GPU_LAYERS=x", "c:2: N_GPU_LAYERS:"),
        ("[a]\nFIT=maybe", "c:2: FIT:"),
        ("[a]\nFIT_TARGET=-1", "c:2: FIT_TARGET:"),
        ("[a]\nEXTRA_ARGS=--x 'y", "c:2: EXTRA_ARGS: a quote has no end"),
        ("[a]\nEXTRA_ARGS=--jinja --host 0.0.0.0", "c:2: EXTRA_ARGS: --host is not passed"),
        ("[a]\nNAME=a\u{1b}b", "c:2: NAME: one line"),
    ] {
        let error = parse(text, "c").unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{text:?}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn quotes_around_everything_go_and_quotes_within_stay() {
    assert_eq!(unquoted("\"a b\""), "a b");
    assert_eq!(unquoted("'a' 'b'"), "'a' 'b'");
    assert_eq!(unquoted("\"--kw '{\\\"a\\\":1}'\""), "\"--kw '{\\\"a\\\":1}'\"");
    assert_eq!(unquoted("\""), "\"");
    let text = "[a]\nMODEL=o/r\nEXTRA_ARGS=\"--kw '{}' -c 1\"";
    assert_eq!(parse(text, "c").unwrap().profiles[0].args, ["--kw", "{}", "-c", "1"]);
}
