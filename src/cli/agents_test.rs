#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_agent_is_told_with_its_way_or_the_reason() {
    let text = table(&rows(&[]));
    for agent in ALL {
        assert!(text.contains(&format!("\n{} ", agent.name)), "{text}");
    }
    assert!(text.contains("by default\n"));
    assert!(text.contains("--with llm\n"));
    assert!(text.contains("not supported: gemini-cli"));
}

#[test]
fn only_the_same_version_counts_as_cached() {
    let version = ALL[0].version(ARCH).unwrap_or_default();
    let cached = |version: &str| rows(&[("claude".into(), version.into())])[0].cached;
    assert!(cached(version));
    assert!(!cached("0.0.1"));
}
