#![allow(clippy::unwrap_used)]

use super::*;

fn places() -> Places {
    Places {
        homes: vec!["/home/me".into(), "/srv/homes/me".into()],
        own: vec!["/home/me/.cache/qvm".into(), "/run/user/7/qvm".into()],
    }
}

#[test]
fn refusals() {
    let cases = [
        ("/", Refusal::Root),
        ("/home/me", Refusal::Home),
        ("/srv/homes/me", Refusal::Home),
        ("/home", Refusal::AboveHome("/home/me".into())),
        ("/srv", Refusal::AboveHome("/srv/homes/me".into())),
        ("/home/me/.cache", Refusal::Own("/home/me/.cache/qvm".into())),
        ("/home/me/.cache/qvm", Refusal::Own("/home/me/.cache/qvm".into())),
        ("/home/me/.cache/qvm/images/x", Refusal::Own("/home/me/.cache/qvm".into())),
        ("/run", Refusal::Own("/run/user/7/qvm".into())),
        ("/proc", Refusal::Kernel("/proc".into())),
        ("/proc/1/root", Refusal::Kernel("/proc".into())),
        ("/dev/shm", Refusal::Kernel("/dev".into())),
        ("/sys/fs", Refusal::Kernel("/sys".into())),
    ];
    for (path, why) in cases {
        assert_eq!(places().check(Path::new(path)), Err(why), "{path}");
    }
}

#[test]
fn projects_may_be_shared() {
    for path in [
        "/home/me/p",
        "/home/me2",
        "/home/you",
        "/home/me/.cache/qvm2",
        "/mnt",
        "/process",
        "/srv/homes/you",
        "/run/user/7/x",
    ] {
        assert_eq!(places().check(Path::new(path)), Ok(()), "{path}");
    }
}

#[test]
fn a_home_of_slash_refuses_only_the_root() {
    let places = Places { homes: vec!["/".into()], own: vec![] };
    assert_eq!(places.check(Path::new("/")), Err(Refusal::Root));
    assert_eq!(places.check(Path::new("/srv/p")), Ok(()));
}

#[test]
fn paths_are_made_real_as_far_as_they_exist() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    std::fs::create_dir(real.join("home")).unwrap();
    std::os::unix::fs::symlink(real.join("home"), real.join("link")).unwrap();
    let places = Places::new(&[real.join("link"), "relative".into()], &[real.join("link/not/yet")]);
    assert_eq!(places.homes, [real.join("home")]);
    assert_eq!(places.own, [real.join("home/not/yet")]);
}

#[test]
fn what_is_refused_includes_every_ancestor() {
    let paths: Vec<_> = places().refused().map(|(p, _)| p).collect();
    for path in ["/", "/home", "/home/me", "/srv/homes", "/home/me/.cache", "/run/user"] {
        assert!(paths.contains(&path.into()), "{path}");
    }
}
