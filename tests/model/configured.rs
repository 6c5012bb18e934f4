//! `qvm models` and the file behind it; nothing is started.

use std::fs;

use e2e::{
    assert_refused, lossy,
    model::{Setting, assert_one_line},
    stdout,
};
use serde_json::Value;

fn listed(setting: &Setting) -> Vec<Value> {
    let text = stdout(&setting.output(["models", "ls", "--json"]));
    let list: Value = serde_json::from_str(&text).unwrap();
    list.as_array().or_else(|| list["models"].as_array()).unwrap().clone()
}

/// B14: models come and go.
#[test]
fn added_listed_and_removed() {
    let setting = Setting::new();
    assert_eq!(listed(&setting).len(), 0);
    setting.add("one", &setting.tiny("one"), &["--default"]);
    setting.add("two", &setting.tiny("two"), &["--context", "40960"]);
    let ids: Vec<Value> = listed(&setting).iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["one", "two"]);
    let text = stdout(&setting.output(["models", "ls"]));
    assert!(text.contains("one") && text.contains("two") && text.contains("40960"), "{text}");

    let again =
        setting.command(["models", "add", "one"]).arg(setting.tiny("one")).output().unwrap();
    assert_one_line(&again, &["one"]);
    assert_one_line(&setting.output(["models", "rm", "nosuch"]), &["nosuch"]);
    stdout(&setting.output(["models", "rm", "one"]));
    assert_eq!(listed(&setting).len(), 1);
    assert!(setting.scene.top.path().join("one.gguf").exists(), "the file is not qvm's to remove");
}

/// B14: an INI file of another tool becomes models; a hidden kind stays hidden.
#[test]
fn imported() {
    let setting = Setting::new();
    let model = setting.tiny("imported");
    let path = setting.scene.top.path().join("models.conf");
    let text = format!(
        "[fast]\nNAME=Fast one\nDESCRIPTION=small\nSPEED=147\nMODEL={0}\nCTX_SIZE=65536\nFIT=on\n\
         EXTRA_ARGS=--temp 0.7 --top-k 20 --chat-template-kwargs '{{\"enable_thinking\":false}}'\n\
         [bench-fast]\nNAME=Bench\nMODEL={0}\nCTX_SIZE=4096\n",
        model.display()
    );
    fs::write(&path, text).unwrap();
    let output = setting.command(["models", "import"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", lossy(&output.stderr));
    let all = listed(&setting);
    let fast = all.iter().find(|model| model["id"] == "fast").unwrap();
    assert!(fast.to_string().contains("65536"), "{fast}");
    let told = stdout(&setting.output(["models", "ls"]));
    assert!(!told.contains("bench-fast") && told.contains("hidden: 1"), "{told}");
    assert!(all.iter().any(|model| model["id"] == "bench-fast" && model["hidden"] == true));
    let file = fs::read_to_string(setting.home.join(".config/qvm/models.toml")).unwrap();
    assert!(file.contains("enable_thinking"), "{file}");
}

/// A file that cannot be read as one says which, where and what.
#[test]
fn ill_formed() {
    let setting = Setting::new();
    for text in ["models = 7\n", "[models.a]\nsurprise = 1\n", "not toml at all\n"] {
        setting.configure(text);
        assert_refused(&setting.output(["models", "ls"]), &["models.toml"]);
        assert_refused(&setting.qvm().args(["--", "true"]).output().unwrap(), &["models.toml"]);
    }
}
