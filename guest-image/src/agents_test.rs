#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn local(root: bool) -> Local<'static> {
    Local {
        model: "local",
        context: Some(32_768),
        workspace: Path::new("/home/you/\"my\" project"),
        home: Path::new("/home/you"),
        url: "http://127.0.0.1:8080",
        root,
    }
}

fn value(local: &Local<'_>, name: &str) -> Option<String> {
    environment(local)
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_string().unwrap())
}

fn file(local: &Local<'_>, path: &str) -> String {
    let path = local.home.join(path);
    let file = files(local).into_iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.contents).unwrap()
}

#[test]
fn agents_do_not_contradict_each_other() {
    for local in [local(false), local(true), Local { context: None, ..local(false) }] {
        let mut seen = BTreeMap::new();
        for agent in ALL {
            for (name, value) in (agent.environment)(&local) {
                if let Some((other, before)) = seen.insert(name, (agent.name, value.clone())) {
                    assert_eq!(before, value, "{name} of {other} and {}", agent.name);
                }
            }
        }
        let paths: Vec<_> = files(&local).into_iter().map(|file| file.path).collect();
        assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "a file twice");
        assert!(paths.iter().all(|path| path.starts_with(local.home) && path.is_absolute()));
    }
}

#[test]
fn an_agent_sets_no_variable_twice() {
    for agent in ALL {
        let names: Vec<_> = (agent.environment)(&local(true)).into_iter().map(|v| v.0).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}", agent.name);
    }
}

#[test]
fn every_model_is_the_local_one() {
    for (name, value) in environment(&local(false)) {
        let name = name.into_string().unwrap();
        if name.ends_with("_MODEL") {
            let value = value.into_string().unwrap();
            assert_eq!(value.rsplit('/').next(), Some("local"), "{name}");
        }
    }
    let config = value(&local(false), "OPENCODE_CONFIG_CONTENT").unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["model"], config["small_model"]);
    assert_eq!(config["provider"]["llama"]["models"]["local"]["limit"]["context"], 32_768);
}

#[test]
fn no_address_but_the_guests_own() {
    // The one other address is the name of a schema, which nobody fetches.
    let known = ["http://127.0.0.1:8080", "https://opencode.ai/config.json"];
    let local = local(false);
    let values = environment(&local).into_iter().map(|(_, v)| v.into_string().unwrap());
    let contents = files(&local).into_iter().map(|f| String::from_utf8(f.contents).unwrap());
    for mut text in values.chain(contents) {
        for known in known {
            text = text.replace(known, "");
        }
        assert!(!text.contains("://"), "{text}");
    }
}

#[test]
fn claude_asks_nothing() {
    let state: serde_json::Value =
        serde_json::from_str(&file(&local(false), ".claude.json")).unwrap();
    assert_eq!(state["hasCompletedOnboarding"], true);
    assert_eq!(state["projects"]["/home/you/\"my\" project"]["hasTrustDialogAccepted"], true);
    assert_eq!(value(&local(false), "ANTHROPIC_API_KEY").as_deref(), Some(""));
    assert_eq!(value(&local(false), "IS_SANDBOX"), None);
    assert_eq!(value(&local(true), "IS_SANDBOX").as_deref(), Some("1"));
}

#[test]
fn contexts_are_told_where_they_are_known() {
    assert_eq!(value(&local(false), "CLAUDE_CODE_MAX_CONTEXT_TOKENS").as_deref(), Some("32768"));
    let config = file(&local(false), ".codex/config.toml");
    assert!(config.contains("\nmodel_context_window = 32768\n"));
    assert!(config.contains("[projects.\"/home/you/\\\"my\\\" project\"]"));
    let unknown = Local { context: None, ..local(false) };
    assert!(
        !environment(&unknown)
            .iter()
            .any(|(name, _)| { name.to_str().is_some_and(|name| name.contains("CONTEXT_TOKENS")) })
    );
    assert!(!file(&unknown, ".codex/config.toml").contains("model_context_window"));
}

#[test]
fn sources_are_pinned() {
    for agent in ALL {
        match agent.source {
            Source::Npm(packages) => {
                for npm in packages {
                    let digest = npm.integrity.strip_prefix("sha512-").unwrap();
                    assert!(digest.len() == 88 && digest.ends_with("=="), "{}", npm.package);
                    assert!(npm.version.starts_with(npm.agent));
                    assert_eq!(npm.keep[0].1, format!("bin/{}", agent.name));
                }
            }
            Source::PyPI { requirements, version, .. } => {
                let own = format!("{}=={version} ", agent.name);
                assert!(requirements.lines().any(|line| line.starts_with(&own)));
                for line in requirements.lines().filter(|line| !line.starts_with('#')) {
                    assert!(line.contains("==") && line.contains(" --hash=sha256:"), "{line}");
                }
            }
            Source::Absent(reason) => assert!(!reason.is_empty()),
        }
    }
    assert!(DEFAULT.iter().all(|name| find(name).is_some_and(|a| a.version("x86_64").is_some())));
}

#[test]
fn a_program_that_is_missing_is_explained() {
    assert!(hint("/usr/local/bin/codex").unwrap().ends_with("run with --with codex"));
    assert!(hint("gemini").unwrap().contains("Gemini API"));
    assert!(hint("goose").unwrap().contains("npm"));
    assert_eq!(hint("ls"), None);
}
