#![allow(clippy::unwrap_used)]

use super::*;
use crate::server::Layout;

fn server(kind: Kind) -> Server {
    let layout = Layout::Rooted { root: "/r".into() };
    Server { program: "/r/usr/bin/llama-server".into(), kind, layout, backends: Vec::new() }
}

fn profile() -> Profile {
    Profile::new("qwen".parse().unwrap(), "org/repo:x.gguf".parse().unwrap())
}

const INSIDE: Inside<'_> = Inside { model: "/m/x.gguf", mmproj: None, socket: "/s/m.sock" };

fn line(arguments: &[OsString]) -> String {
    arguments.iter().map(|a| a.to_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_always_there() {
    let arguments = arguments(&server(Kind::LlamaServer), &profile(), &INSIDE, &[]).unwrap();
    assert_eq!(
        line(&arguments),
        "--host /s/m.sock --port 8080 --model /m/x.gguf --alias qwen --offline --no-webui \
         --no-slots --jinja --fit on"
    );
    let llamafile = super::arguments(&server(Kind::Llamafile), &profile(), &INSIDE, &[]).unwrap();
    assert!(line(&llamafile).starts_with("--server --nobrowser --host /s/m.sock"));
}

#[test]
fn the_profile_comes_before_its_arguments_and_those_before_the_user_s() {
    let mut profile = profile();
    profile.context = Some(32768);
    profile.gpu_layers = GpuLayers::Count(7);
    profile.fit = false;
    profile.fit_target = Some(512);
    profile.parallel = Some(2);
    profile.cache_ram = Some(0);
    profile.sampling.temperature = Some(0.7);
    profile.args = vec!["--chat-template-kwargs".into(), r#"{"enable_thinking":false}"#.into()];
    let inside = Inside { mmproj: Some("/m/v.gguf"), ..INSIDE };
    let extra = ["-c", "16384"].map(OsString::from);
    let arguments = arguments(&server(Kind::LlamaServer), &profile, &inside, &extra).unwrap();
    assert!(
        line(&arguments).ends_with(
            "--fit off --fit-target 512 --ctx-size 32768 --n-gpu-layers 7 --parallel 2 \
             --cache-ram 0 --mmproj /m/v.gguf --temp 0.7 --chat-template-kwargs \
             {\"enable_thinking\":false} -c 16384"
        ),
        "{arguments:?}"
    );
    assert_eq!(context_of(&arguments), Some(16384));
    assert_eq!(context_of(&arguments[..arguments.len() - 2]), Some(32768));
    assert_eq!(context_of(&["-c".into()]), None);
}

#[test]
fn what_would_break_the_sandbox_is_refused() {
    let server = server(Kind::LlamaServer);
    let extra = ["--tools=all"].map(OsString::from);
    assert!(arguments(&server, &profile(), &INSIDE, &extra).is_err());
    let mut with_args = profile();
    with_args.args = vec!["--rpc".into()];
    assert!(arguments(&server, &with_args, &INSIDE, &[]).is_err());
    for inside in [
        Inside { socket: "127.0.0.1", ..INSIDE },
        Inside { socket: "0.0.0.0,/x.sock", ..INSIDE },
        Inside { model: "x.gguf", ..INSIDE },
        Inside { mmproj: Some("--host"), ..INSIDE },
    ] {
        assert!(arguments(&server, &profile(), &inside, &[]).is_err(), "{inside:?}");
    }
}

#[test]
fn the_banner_has_five_lines_whatever_the_arguments() {
    let extra = ["--x", "a b\n\u{1b}[2J", "it's", ""].map(OsString::from);
    let text = banner(&server(Kind::LlamaServer), &profile(), "unix:/s/m.sock", &extra);
    assert_eq!(
        text,
        "binary    /r/usr/bin/llama-server\nmodel     org/repo:x.gguf\nalias     qwen\n\
         listener  unix:/s/m.sock\nextra     --x 'a b\\n\\u{1b}[2J' 'it'\\''s' ''\n"
    );
    let none = banner(&server(Kind::LlamaServer), &profile(), "x", &[]);
    assert!(none.ends_with("extra     -\n"), "{none}");
}

#[test]
fn claude_is_warned_of_a_small_context() {
    assert!(context_note(16384, "claude").unwrap().contains("16384"));
    assert!(context_note(16384, "/usr/bin/claude").is_some());
    assert_eq!(context_note(32768, "claude"), None);
    assert_eq!(context_note(4096, "opencode"), None);
}
