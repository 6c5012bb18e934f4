#![allow(clippy::unwrap_used)]

use super::*;

const GIB: u64 = 1 << 30;
const HOST: Limits = Limits { cpus: 8, memory: 64 * GIB };

fn memory(flag: Option<u64>, project: Option<u64>, user: Option<u64>, host: u64) -> u64 {
    let flags = Flags { memory: flag, ..Flags::default() };
    let project = Project { memory: project, ..Project::default() };
    let user = Config { memory: user, ..Config::default() };
    resolve(&flags, &project, &user, Limits { cpus: 1, memory: host }).unwrap().memory
}

#[test]
fn a_flag_beats_a_bound_beats_the_user_beats_the_default() {
    let big = 64 * GIB;
    assert_eq!(memory(None, None, None, big), 4 * GIB);
    assert_eq!(memory(None, None, Some(8 * GIB), big), 8 * GIB);
    assert_eq!(memory(None, Some(2 * GIB), Some(8 * GIB), big), 2 * GIB);
    assert_eq!(memory(None, Some(2 * GIB), None, big), 2 * GIB);
    assert_eq!(memory(Some(16 * GIB), Some(2 * GIB), Some(8 * GIB), big), 16 * GIB);
}

#[test]
fn a_project_never_gets_more() {
    assert_eq!(memory(None, Some(32 * GIB), None, 64 * GIB), 4 * GIB);
    assert_eq!(memory(None, Some(32 * GIB), Some(GIB), 64 * GIB), GIB);
    let project =
        Project { cpus: Some(32), timeout: Some(Duration::from_secs(99)), ..Project::default() };
    let user = Config { timeout: Some(Duration::from_secs(9)), ..Config::default() };
    let settings = resolve(&Flags::default(), &project, &user, HOST).unwrap();
    assert_eq!((settings.cpus, settings.timeout), (4, Some(Duration::from_secs(9))));
}

#[test]
fn the_default_is_at_most_half_of_the_host() {
    assert_eq!(memory(None, None, None, 5 * GIB), 5 * GIB / 2);
    assert_eq!(memory(None, None, None, GIB + 4097), GIB / 2);
    assert_eq!(memory(None, None, None, 200 << 20), 128 << 20);
}

#[test]
fn more_than_the_host_has_is_refused() {
    let flags = Flags { memory: Some(10 << 40), ..Flags::default() };
    let error = resolve(&flags, &Project::default(), &Config::default(), HOST).unwrap_err();
    assert_eq!(
        error.to_string(),
        "10 TiB of guest memory were asked for, but this machine has 64 GiB; ask for less with -m"
    );
}

#[test]
fn cpus_follow_the_host_up_to_four() {
    for (host, want) in [(1, 1), (2, 2), (4, 4), (64, 4), (1000, 4)] {
        let limits = Limits { cpus: host, ..HOST };
        assert_eq!(
            resolve(&Flags::default(), &Project::default(), &Config::default(), limits)
                .unwrap()
                .cpus,
            want,
            "{host}"
        );
    }
}

#[test]
fn a_project_alone_may_set_a_timeout_and_read_only() {
    let project = Project {
        timeout: Some(Duration::from_secs(5)),
        read_only_workspace: Some(true),
        ..Project::default()
    };
    let user = Config { read_only_workspace: Some(false), ..Config::default() };
    let settings = resolve(&Flags::default(), &project, &user, HOST).unwrap();
    assert_eq!(
        (settings.timeout, settings.read_only_workspace),
        (Some(Duration::from_secs(5)), true)
    );
    let flags = Flags {
        read_only_workspace: Some(false),
        timeout: Some(Duration::from_secs(50)),
        ..Flags::default()
    };
    let settings = resolve(&flags, &project, &user, HOST).unwrap();
    assert_eq!(
        (settings.timeout, settings.read_only_workspace),
        (Some(Duration::from_secs(50)), false)
    );
}
