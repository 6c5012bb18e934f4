#![allow(clippy::unwrap_used)]

use super::*;
use crate::policy::{
    host::Dirs,
    places::Places,
    sys::{Account, Limits},
};

/// A host whose home and current directory is `home`.
fn host(home: &Path) -> Host {
    let env = vec![("HOME".into(), home.into())];
    Host {
        cwd: home.into(),
        dirs: Dirs::new(&env, None),
        env,
        account: Account { name: "me".into(), group: "me".into(), uid: 7, gid: 7, home: None },
        places: Places::new(&[], &[]),
        limits: Limits { cpus: 1, memory: 1 << 30 },
    }
}

fn adding(id: &str, source: &str, default: bool) -> ModelsAction {
    ModelsAction::Add {
        id: id.into(),
        source: source.into(),
        context: Some(32768),
        default,
        args: vec!["--temp".into(), "0".into()],
    }
}

fn refused(action: ModelsAction, host: &Host) -> String {
    main(action, host).unwrap_err().text()
}

fn info(model: &str, state: State) -> Info {
    Info {
        pid: 7,
        model: model.into(),
        name: model.into(),
        source: "/x.gguf".into(),
        on_demand: true,
        state,
        context: None,
        users: 0,
        failure: None,
        program: "/opt/llama-server".into(),
        devices: Vec::new(),
        messages: None,
    }
}

const THREE: &str = "default = \"b\"\n\
    [models.a]\nmodel = \"/a.gguf\"\n\
    [models.b]\nmodel = \"o/r:b.gguf\"\nname = \"B\\u202e\"\ncontext = \"32k\"\n\
    [models.c]\nmodel = \"/c.gguf\"\nhidden = true\n";

fn three() -> Models {
    models::config::parse(THREE, Path::new("models.toml")).unwrap()
}

#[test]
fn models_are_listed_with_what_is_known_of_them() {
    let here = |profile: &Profile| (profile.id.as_str() == "a").then_some(3 << 20);
    let rows = listed(&three(), Some(&info("b", State::Starting)), here);
    let text = text(&rows, Some("c: gone\x1b"));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "  ID  CONTEXT  SIZE      STATE     MODEL");
    assert_eq!(lines[1], "  a   -        3 MiB     -         a (/a.gguf)");
    assert_eq!(lines[2], "* b   32768    absent    loading   B\\u{202e} (o/r:b.gguf)");
    assert_eq!(
        lines[3..],
        ["hidden: 1; --json lists all", "the server could not load c: gone\\u{1b}"]
    );

    let json = serde_json::to_value(&rows).unwrap();
    assert_eq!(json[0]["bytes"], 3 << 20);
    assert_eq!(json[0]["state"], serde_json::Value::Null);
    assert_eq!(json[1]["default"], true);
    assert_eq!(json[1]["context"], 32768);
    assert_eq!(json[2]["hidden"], true);
}

#[test]
fn a_hidden_model_is_shown_while_it_is_loaded() {
    let text = text(&listed(&three(), Some(&info("c", State::Running)), |_| None), None);
    assert!(text.contains("c   -        absent    loaded") && !text.contains("hidden"), "{text}");
}

#[test]
fn each_state_of_the_server_has_its_word() {
    for (state, word) in
        [(State::Running, "loaded"), (State::Starting, "loading"), (State::Idle, "stopped")]
    {
        let text = text(&listed(&three(), Some(&info("a", state)), |_| None), None);
        assert!(text.lines().nth(1).unwrap().contains(word), "{text}");
    }
    assert!(text(&[], None).contains("qvm models add"));
}

#[test]
fn models_are_added_chosen_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    main(adding("a", "o/r:a.gguf", false), &host).unwrap();
    main(adding("b", "o/r:b.gguf", true), &host).unwrap();
    let there = read(&host).unwrap();
    assert_eq!(there.profiles.len(), 2);
    assert_eq!(there.get("a").unwrap().context, Some(32768));
    assert_eq!(there.get("a").unwrap().args, ["--temp", "0"]);
    assert_eq!(there.default_profile().unwrap().id.as_str(), "b");

    main(ModelsAction::Default { id: "a".into() }, &host).unwrap();
    assert_eq!(read(&host).unwrap().default_profile().unwrap().id.as_str(), "a");
    main(ModelsAction::Rm { id: "a".into() }, &host).unwrap();
    let there = read(&host).unwrap();
    assert!(there.get("a").is_none() && there.get("b").is_some());
}

#[test]
fn what_cannot_be_added_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    main(adding("a", "o/r:a.gguf", false), &host).unwrap();
    let before = std::fs::read(path(&host)).unwrap();
    let ModelsAction::Add { id, source, context, default, .. } = adding("c", "o/r:c.gguf", false)
    else {
        panic!()
    };
    let args = vec!["--tools".to_owned()];
    let why = refused(ModelsAction::Add { id, source, context, default, args }, &host);
    assert!(why.contains("--tools"), "{why}");
    std::fs::write(dir.path().join("text.gguf"), "no weights").unwrap();
    for (id, source, wanted) in [
        ("a", "o/r:other.gguf", "a"),
        ("b c", "o/r:b.gguf", "b c"),
        ("b", "nothing", "nothing"),
        ("b", "./absent.gguf", "absent.gguf"),
        ("b", "./text.gguf", "text.gguf"),
    ] {
        let why = refused(adding(id, source, true), &host);
        assert!(why.contains(wanted) && !why.contains('\n'), "{id} {source}: {why}");
    }
    assert!(refused(ModelsAction::Rm { id: "z".into() }, &host).contains('z'));
    assert!(refused(ModelsAction::Default { id: "z".into() }, &host).contains('z'));
    assert_eq!(std::fs::read(path(&host)).unwrap(), before);
}

#[test]
fn a_file_of_this_machine_is_added_by_its_whole_path() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let sample = models::fuzzing::sample_gguf(3, &[], &[("general.architecture", "llama")]);
    std::fs::write(dir.path().join("a.gguf"), sample).unwrap();
    main(adding("a", "./a.gguf", false), &host).unwrap();
    let there = read(&host).unwrap();
    assert_eq!(there.get("a").unwrap().model, Source::File(dir.path().join("a.gguf")));
    assert!(bytes(there.get("a").unwrap(), &host).is_some_and(|bytes| bytes > 0));
}

#[test]
fn a_file_of_models_is_imported_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let file = dir.path().join("models.conf");
    let import = || ModelsAction::Import { file: file.clone() };
    assert!(refused(import(), &host).contains("models.conf"));

    std::fs::write(&file, "[a]\nMODEL=o/r:a.gguf\nCTX_SIZE=32768\n[b]\nMODEL=o/r:b.gguf\n")
        .unwrap();
    main(import(), &host).unwrap();
    assert_eq!(read(&host).unwrap().profiles.len(), 2);

    std::fs::write(&file, "[c]\nMODEL=o/r:c.gguf\n[b]\nMODEL=o/r:other.gguf\n").unwrap();
    assert!(refused(import(), &host).contains('b'));
    assert_eq!(read(&host).unwrap().profiles.len(), 2);
}

#[test]
fn a_broken_file_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    std::fs::create_dir_all(&host.dirs.config).unwrap();
    std::fs::write(path(&host), "default = 1\n").unwrap();
    let why = refused(adding("a", "o/r:a.gguf", false), &host);
    assert!(why.contains("models.toml"), "{why}");
    assert_eq!(std::fs::read_to_string(path(&host)).unwrap(), "default = 1\n");
}
