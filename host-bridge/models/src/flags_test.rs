#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;

fn refused(arg: &str) -> bool {
    check(arg.as_ref()).is_err()
}

#[test]
fn the_message_names_option_and_reason() {
    let error = check("--tools".as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--tools is not passed to the model server: it lets the guest run programs on the host"
    );
    let error = check("--hf_token=secret".as_ref()).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn what_breaks_the_policy_is_refused_in_every_spelling() {
    for name in [
        "--host",
        "--port",
        "--tools",
        "--agent",
        "-ag",
        "--mcp-servers-config",
        "--mcp-servers-json",
        "--ui-mcp-proxy",
        "--webui-mcp-proxy",
        "--media-path",
        "--slot-save-path",
        "--rpc",
        "-hf",
        "-hff",
        "-hft",
        "--hf-repo",
        "--hf-file",
        "--hf-token",
        "--model-url",
        "-mu",
        "--docker-repo",
        "-dr",
        "--models-dir",
        "--models-preset",
        "--models-max",
        "--api-key",
        "--api-key-file",
        "--ssl-key-file",
        "--ssl-cert-file",
        "--path",
        "--log-file",
        "--lora",
        "--lora-scaled",
        "--prompt-cache",
        "--grammar-file",
        "--chat-template-file",
        "--json-schema-file",
        "-jf",
        "-m",
        "--model",
        "--mmproj",
        "-mm",
        "--mmproj-url",
        "-md",
        "--spec-draft-model",
        "-a",
        "--alias",
        "--reuse-port",
        "--props",
        "--log-prompts-dir",
        "--tools-runtime",
        "-lcd",
        "--fim-qwen-7b-spec",
        "--embd-gemma-default",
        "--gpt-oss-20b-default",
        "--vision-gemma-4b-default",
    ] {
        assert!(refused(name), "{name}");
        assert!(refused(&format!("{name}=x")), "{name}=x");
        assert!(refused(&format!("{name} x")), "{name} x");
        if name.starts_with("--") {
            assert!(refused(&name.replace('-', "_").replacen("__", "--", 1)), "{name} with _");
            assert!(refused(&name.to_uppercase()), "{name} in capitals");
        }
    }
}

#[test]
fn the_rest_passes() {
    for arg in [
        "--ctx-size",
        "-c",
        "16384",
        "--temp",
        "0.7",
        "--chat-template-kwargs",
        "{\"enable_thinking\":false}",
        "--flash-attn",
        "-ctk",
        "q8_0",
        "--jinja",
        "-np",
        "--no-mmproj",
        "--no-webui",
        "--no-ui",
        "--no-agent",
        "--no-slots",
        "--spec-default",
        "--cache-reuse",
        "-1",
        "--embd-normalize",
        "-l",
        "--logit-bias",
        "--unheard-of",
        "",
        "-",
        "--",
        "-M",
    ] {
        assert!(!refused(arg), "{arg}");
    }
}

/// Options of llama-server 0.7.0 (build 11669) whose help speaks of files, folders, addresses,
/// tools or downloads, and those that may pass all the same.
#[test]
fn the_server_s_own_help_has_no_other_path_or_address() {
    let help = include_str!("../tests/llama-server-help.txt");
    let passes: BTreeSet<&str> = [
        // Values, no paths.
        "--completion-bash",
        "--cors-origins",
        "--cors-methods",
        "--cors-headers",
        "--jinja",
        "--cache-list",
        "--offline",
        "--chat-template",
        "--chat-template-kwargs",
        "--override-kv",
    ]
    .into();
    let words =
        ["FNAME", "PATH", " DIR", "FILE", "URL", "HOST", "SERVERS", "TOOL", "MCP", "<user>"];
    let mut seen = 0;
    for line in help.lines().filter(|line| line.starts_with('-')) {
        let names = line.split("  ").filter(|part| !part.is_empty());
        let head: String = names.take_while(|part| part.trim_start().starts_with('-')).collect();
        if !words.iter().any(|word| head.contains(word)) {
            continue;
        }
        let names = head.split([',', ' ']).filter(|name| name.starts_with('-') && name.len() > 1);
        for name in names.filter(|name| !passes.contains(name)) {
            seen += 1;
            assert!(refused(name), "{name} in {line:?}");
        }
    }
    assert!(seen > 40, "{seen}");
}
