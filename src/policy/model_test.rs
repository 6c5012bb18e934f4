#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::policy::{
    host::Dirs,
    places::Places,
    sys::{Account, Limits},
};

fn host() -> Host {
    let env = vec![("HOME".into(), "/home/me".into())];
    let dirs = Dirs::new(&env, None);
    Host {
        cwd: "/home/me/p".into(),
        env,
        account: Account { name: "me".into(), group: "me".into(), uid: 7, gid: 7, home: None },
        places: Places::new(&[], &[]),
        dirs,
        limits: Limits { cpus: 1, memory: 1 << 30 },
    }
}

fn models(text: &str) -> Models {
    models::config::parse(text, Path::new("models.toml")).unwrap()
}

const TWO: &str = "default = \"b\"\nidle = \"0\"\n[models.a]\nmodel = \"/a.gguf\"\n[models.b]\nmodel = \"/b.gguf\"\n";

fn asked(model: &str) -> ModelFlags {
    ModelFlags { model: Some(model.into()), ..ModelFlags::default() }
}

#[test]
fn nothing_configured_and_nothing_asked_for_is_no_model() {
    assert_eq!(
        decide(&ModelFlags::default(), &Models::default(), &host(), &[], || false).unwrap(),
        None
    );
}

#[test]
fn the_default_is_used_unless_something_else_is_said() {
    let file = models(TWO);
    let id = |flags: &ModelFlags| match decide(flags, &file, &host(), &[], || false).unwrap() {
        Some(Model::Local(local)) => local.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&ModelFlags::default()), "b");
    assert_eq!(id(&asked("a")), "a");
    let none = ModelFlags { none: true, ..ModelFlags::default() };
    assert_eq!(decide(&none, &file, &host(), &[], || false).unwrap(), None);
}

#[test]
fn a_path_becomes_absolute_and_the_server_is_told_where_not_to_look() {
    let flags = ModelFlags { server_bin: Some("bin/server".into()), ..asked("./x.gguf") };
    let model = decide(&flags, &models(TWO), &host(), &["/home/me/p".into()], || false).unwrap();
    let Some(Model::Local(local)) = model else { panic!("{model:?}") };
    assert_eq!(local.choice, Choice::Source("/home/me/p/x.gguf".into()));
    let words = [
        "serve",
        "--on-demand",
        "--idle",
        "0",
        "--server-bin",
        "/home/me/p/bin/server",
        "--not-in",
        "/home/me/p",
        "/home/me/p/x.gguf",
    ];
    assert_eq!(local.serve, words.map(OsString::from));
}

#[test]
fn what_is_neither_id_nor_source_names_what_there_is() {
    let error = decide(&asked("c"), &models(TWO), &host(), &[], || false).unwrap_err().to_string();
    assert!(error.contains("`c`") && error.contains("a, b"), "{error}");
}

#[test]
fn a_log_without_a_model_is_a_mistake() {
    let flags = ModelFlags { log_requests: Some("x".into()), ..ModelFlags::default() };
    assert!(matches!(
        decide(&flags, &Models::default(), &host(), &[], || false),
        Err(ModelError::NothingToLog)
    ));
}

#[test]
fn idle_times_include_none_at_all() {
    assert_eq!(idle("0"), Ok(std::time::Duration::ZERO));
    assert_eq!(idle("90s"), Ok(std::time::Duration::from_secs(90)));
    assert!(idle("soon").is_err());
}
