#![allow(clippy::unwrap_used)]

use super::*;

fn dirs(env: &[(&str, &str)], account: Option<&str>) -> Dirs {
    let env: Vec<_> = env.iter().map(|(n, v)| (OsString::from(n), OsString::from(v))).collect();
    Dirs::new(&env, account.map(Path::new))
}

#[test]
fn directories_follow_the_environment() {
    let plain = dirs(&[("HOME", "/h")], Some("/account"));
    assert_eq!(plain.cache, Path::new("/h/.cache/qvm"));
    assert_eq!(plain.config, Path::new("/h/.config/qvm"));
    assert_eq!(plain.state, Path::new("/h/.local/state/qvm"));
    assert_eq!(plain.runtime, None);
    let set = dirs(
        &[
            ("HOME", "/h"),
            ("XDG_CACHE_HOME", "/c"),
            ("XDG_CONFIG_HOME", "rel"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
        ],
        None,
    );
    assert_eq!(set.cache, Path::new("/c/qvm"));
    assert_eq!(set.config, Path::new("/h/.config/qvm"));
    assert_eq!(set.runtime.unwrap(), Path::new("/run/user/1/qvm"));
}

#[test]
fn the_account_gives_a_home_where_the_environment_has_none() {
    assert_eq!(dirs(&[], Some("/account")).home, Path::new("/account"));
    assert_eq!(dirs(&[("HOME", "")], Some("/account")).home, Path::new("/account"));
    assert_eq!(dirs(&[], None).home, Path::new("/"));
}

#[test]
fn this_host_protects_its_home() {
    let host = Host::gather().unwrap();
    assert!(host.places.check(&host.dirs.home.canonicalize().unwrap()).is_err());
    assert!(host.limits.cpus >= 1 && host.limits.memory > 0);
}
