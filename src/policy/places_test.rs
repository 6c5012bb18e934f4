#![allow(clippy::unwrap_used)]

use super::*;

fn places() -> Places {
    Places {
        homes: vec!["/home/me".into(), "/srv/homes/me".into()],
        own: vec!["/home/me/.cache/qvm".into(), "/run/user/7/qvm".into()],
        kept: vec![],
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
    let places = Places { homes: vec!["/".into()], own: vec![], kept: vec![] };
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

#[test]
fn a_mac_keeps_what_is_its_own() {
    let home = Path::new("/Users/me");
    let mac = Places {
        homes: vec![home.into()],
        own: vec!["/Users/me/.cache/qvm".into()],
        kept: of_macos(home),
    };
    let refused = [
        "/System",
        "/System/Volumes/Data/Users/me/p",
        "/Library/Keychains",
        "/Users",
        "/Users/me",
        "/Users/me/Library",
        "/Users/me/Library/Keychains",
        "/Users/me/Library/Mobile Documents",
        "/private",
        "/private/var",
        "/private/tmp",
        "/private/var/folders",
        "/private/etc/ssh",
        "/Applications/A.app",
        "/Volumes",
        "/usr",
        "/usr/lib",
        "/opt",
    ];
    for path in refused {
        assert!(mac.check(Path::new(path)).is_err(), "{path}");
    }
    let shared = [
        "/Users/me/p",
        "/Users/Shared/p",
        "/private/tmp/p",
        "/private/var/folders/ab/cd/T/p",
        "/Volumes/Disk/p",
        "/Users/me/Library/Mobile Documents/p",
        "/usr/local/src/p",
        "/opt/homebrew/p",
    ];
    for path in shared {
        assert_eq!(mac.check(Path::new(path)), Ok(()), "{path}");
    }
    assert_eq!(mac.check(Path::new("/Library")), Err(Refusal::Kept("/Library".into())));
}

#[test]
fn what_lies_in_our_own_is_known_by_identity() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(top.join("own/images/x")).unwrap();
    std::os::unix::fs::symlink("own", top.join("OWN")).unwrap();
    let places = Places { homes: vec![], own: vec![top.join("own")], kept: vec![] };
    // Another spelling: here a link, on a Mac the same name in capitals.
    let other = top.join("OWN/images/x");
    assert_eq!(places.check(&other), Ok(()));
    assert_eq!(places.check_above(&other), Err(Refusal::Own(top.join("own"))));
    assert_eq!(places.check_above(&top), Ok(()));
}
