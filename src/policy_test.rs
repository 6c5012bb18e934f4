#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use super::*;
use crate::policy::{
    guest_path::share,
    host::Dirs,
    places::Places,
    sys::{Account, Limits},
};

/// A host whose home is a temporary directory, with a project `p` and a QEMU in `bin`.
fn host(root: &Path) -> Host {
    use std::os::unix::fs::PermissionsExt;
    for dir in ["home/p/sub", "home/.config/qvm", "bin"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for arch in Arch::ALL {
        let qemu = root.join("bin").join(accel::qemu_program(arch).0);
        fs::write(&qemu, "#!/bin/sh\necho QEMU emulator version 8.0.0\n").unwrap();
        fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let home = root.join("home");
    let env = vec![
        ("HOME".into(), home.clone().into()),
        ("PATH".into(), root.join("bin").into()),
        ("TERM".into(), "xterm".into()),
        ("SECRET".into(), "s".into()),
    ];
    let dirs = Dirs::new(&env, None);
    Host {
        cwd: home.join("p"),
        env,
        account: Account {
            name: "me".into(),
            group: "us".into(),
            uid: 7,
            gid: 8,
            home: Some(home.clone()),
        },
        places: Places::new(&[home], &[dirs.config.clone(), dirs.cache.clone()]),
        dirs,
        limits: Limits { cpus: 2, memory: 8 << 30 },
    }
}

fn tcg() -> Request {
    Request {
        flags: Flags { accel: Some(accel::Choice::Tcg), ..Flags::default() },
        ..Request::default()
    }
}

#[test]
fn a_plain_request_shares_the_current_directory_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let host = host(&root);
    let plan = build(tcg(), &Config::default(), &models::Models::default(), &host).unwrap();
    let spec = plan.spec;
    assert_eq!(spec.shares.len(), 1);
    assert_eq!(spec.shares[0].host, root.join("home/p"));
    assert!(!spec.shares[0].read_only);
    assert_eq!(spec.workdir, root.join("home/p"));
    assert_eq!(spec.env, [("TERM".into(), "xterm".into())]);
    assert_eq!((spec.memory, spec.cpus, spec.timeout), (4 << 30, 2, None));
    assert_eq!((spec.accel, spec.qemu), (Accel::Tcg, Some(root.join("bin/qemu-system-x86_64"))));
    assert_eq!(
        (spec.caller.name.as_str(), spec.caller.uid, spec.caller.home),
        ("me", 7, root.join("home"))
    );
    assert!(name::check(&spec.name).is_ok() && spec.argv.is_empty() && spec.publish.is_empty());
    assert!(!spec.guest_root && !spec.nested);
}

#[test]
fn the_projects_file_tightens_and_flags_of_a_person_win() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let host = host(&root);
    let file = root.join("home/p/.qvm.toml");
    fs::write(&file, "memory = \"1g\"\ncpus = 1\nread_only_workspace = true\n").unwrap();
    let spec = build(tcg(), &Config::default(), &models::Models::default(), &host).unwrap().spec;
    assert_eq!((spec.memory, spec.cpus, spec.shares[0].read_only), (1 << 30, 1, true));
    let mut request = tcg();
    request.flags.memory = Some(2 << 30);
    assert_eq!(
        build(request, &Config::default(), &models::Models::default(), &host).unwrap().spec.memory,
        2 << 30
    );
    fs::write(&file, "image = \"/evil\"\n").unwrap();
    assert!(matches!(
        build(tcg(), &Config::default(), &models::Models::default(), &host),
        Err(PolicyError::Config(_))
    ));
}

#[test]
fn a_qemu_inside_the_workspace_is_never_run() {
    for arch in Arch::ALL {
        never_runs_what_is_shared(&|| Request { arch: Some(arch), ..tcg() });
    }
}

fn never_runs_what_is_shared(tcg: &dyn Fn() -> Request) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let mut host = host(&root);
    fs::rename(root.join("bin"), root.join("home/p/bin")).unwrap();
    host.env[1].1 = root.join("home/p/bin").into();
    assert!(matches!(
        build(tcg(), &Config::default(), &models::Models::default(), &host),
        Err(PolicyError::Accel(_))
    ));
    host.cwd = root.join("home/p/sub");
    assert!(build(tcg(), &Config::default(), &models::Models::default(), &host).is_ok());
    let mut request = tcg();
    request.shares =
        vec![share(format!("{}:/mnt/x:ro", root.join("home/p/bin").display()).as_ref()).unwrap()];
    assert!(matches!(
        build(request, &Config::default(), &models::Models::default(), &host),
        Err(PolicyError::Accel(_))
    ));
}

#[test]
fn another_machine_is_emulated_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let host = host(&root);
    let [first, second] = Arch::ALL;
    let other = if Arch::HOST == first { second } else { first };
    let decide = |accel| {
        let flags = Flags { accel: Some(accel), ..Flags::default() };
        let request = Request { arch: Some(other), flags, ..Request::default() };
        build(request, &Config::default(), &models::Models::default(), &host)
    };
    for choice in [accel::Choice::Auto, accel::Choice::Tcg] {
        let plan = decide(choice).unwrap();
        assert_eq!((plan.spec.arch, plan.spec.accel), (other, Accel::Tcg));
        assert!(plan.spec.qemu.unwrap().ends_with(accel::qemu_program(other).0));
    }
    for choice in [accel::Choice::Kvm, accel::Choice::Hvf] {
        let said = decide(choice).unwrap_err().to_string();
        assert!(said.contains(other.name()) && said.contains("--accel tcg"), "{said}");
    }
}

#[test]
fn working_directory_and_variables() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let host = host(&root);
    let user = Config {
        env: vec!["CI=1".into(), "ABSENT".into(), "TERM=dumb".into()],
        ..Config::default()
    };
    for (given, want) in [("sub", root.join("home/p/sub")), ("/tmp", "/tmp".into())] {
        let request = Request {
            workdir: Some(given.into()),
            env: vec![env::variable("CI=2".as_ref()).unwrap()],
            ..tcg()
        };
        let spec = build(request, &user, &models::Models::default(), &host).unwrap().spec;
        assert_eq!(spec.workdir, want);
        assert_eq!(spec.env, [("TERM".into(), "dumb".into()), ("CI".into(), "2".into())]);
    }
    let request = Request { env: vec![env::variable("NOPE".as_ref()).unwrap()], ..tcg() };
    assert!(matches!(
        build(request, &user, &models::Models::default(), &host),
        Err(PolicyError::Env(_))
    ));
}

#[test]
fn home_is_refused_by_either_account() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let host = host(&root);
    for given in ["..", "../..", "../.config", "../.config/qvm", "/"] {
        let request = Request { dir: Some(given.into()), ..tcg() };
        let refused = build(request, &Config::default(), &models::Models::default(), &host);
        assert!(
            matches!(refused, Err(PolicyError::Share(share::ShareError::Refused(..)))),
            "{given}"
        );
    }
}
