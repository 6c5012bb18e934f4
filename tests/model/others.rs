//! The other agents, with no configuration by hand.

use e2e::{
    model::Setting,
    scripted::{Scripted, Turn},
    stdout,
};

/// D15, C16: opencode, codex and llm answer, each in its dialect, and each asks nothing but the
/// model.
#[test]
fn opencode_codex_and_llm() {
    let setting = Setting::new();
    let server = Scripted::on_loopback(|_| Turn::say("Hello from the script."));
    let script = "opencode run 'say hi' > opencode 2> opencode.err; echo $? > opencode.status
        codex exec --skip-git-repo-check 'say hi' > codex 2> codex.err; echo $? > codex.status
        llm 'say hi' > llm 2> llm.err; echo $? > llm.status; ls -A > listed; true";
    let mut qvm = setting.with(&server);
    qvm.args(["--with", "claude,opencode,codex,llm", "--", "sh", "-c", script]);
    stdout(&qvm.output().unwrap());
    for agent in ["opencode", "codex", "llm"] {
        let errors = setting.left(&format!("{agent}.err"));
        assert_eq!(setting.left(&format!("{agent}.status")), "0\n", "{agent}: {errors}");
        let said = setting.left(agent);
        assert!(said.contains("Hello from the script."), "{agent}: {said} {errors}");
    }
    let listed = setting.left("listed");
    assert_eq!(listed.lines().count(), 10, "no agent leaves files of its own: {listed}");
    let prompts = server.prompts();
    for path in ["/v1/chat/completions", "/v1/responses"] {
        assert!(prompts.iter().any(|request| request.path() == path), "{path}");
    }
    let model = &prompts[0].body["model"];
    assert!(prompts.iter().all(|request| request.body["model"] == *model));
}
