#![allow(clippy::unwrap_used)]

use std::process::Command;

use super::*;

const SAMPLE: &str = r#"{
  "bashFunctions": { "greet": "    echo \"hello $1\"", "bad;name": "touch /tmp/x" },
  "variables": {
    "PATH": {"type": "exported", "value": "/nix/store/a/bin:/usr/bin:/nix/store/b/bin:/path-not-set"},
    "HOME": {"type": "exported", "value": "/homeless-shelter"},
    "TMPDIR": {"type": "exported", "value": "/build"},
    "out": {"type": "exported", "value": "/nix/store/never-made"},
    "outputs": {"type": "exported", "value": "out"},
    "CC": {"type": "exported", "value": "it's gcc"},
    "shellHook": {"type": "exported", "value": "hooked=yes; export CC=\"$CC!\""},
    "plain": {"type": "var", "value": "$(touch /tmp/x)"},
    "list": {"type": "array", "value": ["one two", "three"]},
    "table": {"type": "associative", "value": {"k e y": "v'al"}},
    "odd": {"type": "unknown"},
    "bad-name": {"type": "exported", "value": "x"},
    "LINENO": {"type": "var", "value": "73"}
  }
}"#;

#[test]
fn commands_get_what_is_exported_and_not_the_builds_own() {
    let told = Told::parse(SAMPLE.as_bytes()).unwrap();
    let environment = told.environment().unwrap();
    assert_eq!(environment.path, "/nix/store/a/bin:/nix/store/b/bin");
    let names: Vec<_> = environment.variables.keys().map(String::as_str).collect();
    assert_eq!(names, ["CC", "outputs"]);
    let json = serde_json::to_vec(&environment).unwrap();
    assert_eq!(serde_json::from_slice::<Environment>(&json).unwrap(), environment);
}

#[test]
fn the_script_gives_a_bash_everything_and_runs_the_hook() {
    let dir = tempfile::tempdir().unwrap();
    let told = Told::parse(SAMPLE.as_bytes()).unwrap();
    let script = dir.path().join("script");
    std::fs::write(&script, told.script()).unwrap();
    let profile = told.environment().unwrap().profile(script.to_str().unwrap());
    std::fs::write(dir.path().join("profile"), profile).unwrap();
    let say = |shell: &str, text: &str| {
        let text = format!(". {}/profile; {text}", dir.path().display());
        let output = Command::new(shell).args(["-c", &text]).env("PATH", "/bin").output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = say(
        "bash",
        r#"echo "$PATH|$CC|$plain|${list[0]}|${table[k e y]}|$hooked|$HOME"; greet you"#,
    );
    let home = std::env::var("HOME").unwrap_or_default();
    assert_eq!(
        all,
        format!(
            "/nix/store/a/bin:/nix/store/b/bin:/bin|it's gcc!|$(touch /tmp/x)|one two|v'al|yes|{home}\nhello you\n"
        )
    );
    assert_eq!(say("sh", "echo \"$PATH|${plain-none}\"").trim_end(), {
        let bash = std::fs::read_link("/bin/sh").is_ok_and(|to| to.ends_with("bash"));
        let plain = if bash { "$(touch /tmp/x)" } else { "none" };
        format!("/nix/store/a/bin:/nix/store/b/bin:/bin|{plain}")
    });
}

#[test]
fn what_no_command_takes_is_left_out_or_refused() {
    let of = |count: usize, length: usize| {
        let variables: BTreeMap<_, _> = (0..count)
            .map(|n| {
                (
                    format!("V{n}"),
                    serde_json::json!({"type": "exported", "value": "x".repeat(length)}),
                )
            })
            .collect();
        let json = serde_json::json!({ "variables": variables });
        Told::parse(json.to_string().as_bytes()).unwrap()
    };
    assert_eq!(of(1, MAX_ONE).environment().unwrap().variables.len(), 0);
    assert!(of(1, MAX_ONE).script().len() > MAX_ONE);
    assert!(of(20, 100_000).environment().unwrap_err().contains("KiB of variables"));
    for garbage in ["", "[]", "{}", r#"{"variables":{"A":{"type":"exported","value":1}}}"#] {
        assert!(Told::parse(garbage.as_bytes()).is_err(), "{garbage}");
    }
}
