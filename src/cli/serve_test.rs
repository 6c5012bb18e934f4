#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::policy::{
    host::Dirs,
    places::Places,
    sys::{Account, Limits},
};

/// A host whose home, current directory and PATH is `home`.
fn host(home: &Path) -> Host {
    let env = vec![("HOME".into(), home.into()), ("PATH".into(), home.into())];
    Host {
        cwd: home.into(),
        dirs: Dirs::new(&env, None),
        env,
        account: Account { name: "me".into(), group: "me".into(), uid: 7, gid: 7, home: None },
        places: Places::new(&[], &[]),
        limits: Limits { cpus: 1, memory: 1 << 30 },
    }
}

fn program(path: &Path) {
    fs::write(path, "\x7fELF").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_program_is_looked_for_by_what_the_user_said() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    let mut host = host(&home);
    let names = ["llama-server", "configured", "variable", "named"];
    names.iter().for_each(|name| program(&home.join(name)));
    let found = |named: Option<&str>, models: &Models, host: &Host| {
        let server = find(named.map(PathBuf::from), &[], models, host).unwrap();
        server.program.strip_prefix(&home).unwrap().to_owned()
    };
    let none = Models::default();
    assert_eq!(found(None, &none, &host), Path::new("llama-server"));
    host.env.push(("QVM_LLAMA_SERVER".into(), home.join("variable").into()));
    assert_eq!(found(None, &none, &host), Path::new("variable"));
    let configured = Models { server: Some("~/configured".into()), ..Models::default() };
    assert_eq!(found(None, &configured, &host), Path::new("configured"));
    assert_eq!(found(Some("./named"), &configured, &host), Path::new("named"));
}

#[test]
fn no_program_of_a_shared_folder_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    program(&home.join("own-server"));
    let named = Some(PathBuf::from("own-server"));
    let none = Models::default();
    let why = find(named, std::slice::from_ref(&home), &none, &host(&home)).unwrap_err().text();
    assert!(why.contains("shared with a guest") && !why.contains('\n'), "{why}");
}

#[test]
fn a_server_that_is_to_use_no_gpu_is_granted_none() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    program(&home.join("llama-server"));
    let server = find(None, &[], &Models::default(), &host(&home)).unwrap();
    assert_eq!(gpu(&server, Gpu::None).unwrap(), (Grants::default(), Vec::new()));
}

#[test]
fn models_are_read_from_the_users_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    assert_eq!(path(&host), dir.path().join(".config/qvm/models.toml"));
    assert_eq!(read(&host).unwrap(), Models::default());
    fs::create_dir_all(&host.dirs.config).unwrap();
    fs::write(path(&host), "[models.a]\nmodel = 1\n").unwrap();
    let why = read(&host).unwrap_err().text();
    assert!(why.contains("models.toml:2") && !why.contains('\n'), "{why}");
}
