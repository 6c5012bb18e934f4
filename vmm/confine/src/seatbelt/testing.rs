//! What holds for every profile.

#![allow(clippy::unwrap_used)]

use std::ffi::OsString;

use super::Parameters;

/// The rules of a profile, each as words; fails where brackets or quotes do not match.
pub fn rules(profile: &str) -> Vec<String> {
    let (mut rules, mut rule, mut depth, mut quoted) = (Vec::new(), String::new(), 0u32, false);
    for c in profile.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                assert!(depth > 0, "a bracket too many");
                depth -= 1;
            }
            '\\' | ';' | '#' => panic!("{c:?} in a profile"),
            _ => {}
        }
        if depth > 0 || c == ')' {
            rule.push(c);
        }
        if depth == 0 && !rule.is_empty() {
            rules.push(rule.split_whitespace().collect::<Vec<_>>().join(" "));
            rule.clear();
        }
    }
    assert!(depth == 0 && !quoted && rule.is_empty());
    rules
}

/// What holds for every profile: no rule allows without saying what, or says too much, and each
/// parameter is given and used.
pub fn check(profile: &str, parameters: &Parameters<'_>) {
    for rule in rules(profile) {
        if rule.starts_with("(allow ") {
            assert!(rule[1..].contains('('), "{rule}");
        }
        for wide in [
            "(subpath \"/\")",
            "\"/Users\"",
            "\"/private\"",
            "regex",
            "\"/private/var/folders\"",
            " tcp",
            "local ip",
        ] {
            assert!(!rule.contains(wide), "{rule}");
        }
    }
    for (name, _) in parameters {
        assert!(profile.contains(&format!("(param \"{name}\")")), "{name}");
    }
    for used in profile.split("(param \"").skip(1) {
        let name = used.split('"').next().unwrap_or_default();
        assert!(parameters.iter().any(|(n, _)| n == name), "{name}");
    }
}

/// Those that begin so.
pub fn starting(rules: &[String], start: &str) -> Vec<String> {
    rules.iter().filter(|rule| rule.starts_with(start)).cloned().collect()
}

/// Those that allow to write something.
pub fn writing(rules: &[String]) -> Vec<&String> {
    rules.iter().filter(|r| r.starts_with("(allow") && r.contains("write")).collect()
}

/// The arguments end in the profile, and before it there are pairs of -D and NAME=PATH only, one of
/// them `parameter`.
pub fn check_arguments(arguments: &[OsString], parameter: &str, profile: &str) {
    assert!(arguments.contains(&OsString::from(parameter)));
    let (parameters, last) = arguments.split_at(arguments.len() - 2);
    assert!(last[0] == "-p" && last[1].to_str() == Some(profile));
    assert!(parameters.chunks(2).all(|pair| pair[0] == "-D" && pair.len() == 2));
}
