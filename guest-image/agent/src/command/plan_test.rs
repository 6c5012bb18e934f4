#![allow(clippy::unwrap_used)]

use super::*;

fn account() -> Account {
    Account {
        name: "me".into(),
        uid: 1000,
        gid: 100,
        home: b"/home/me".to_vec(),
        shell: "/bin/bash".into(),
    }
}

fn debian() -> Environment {
    Environment::from(&ImageConfig::default())
}

fn spec(argv: &[&str]) -> CommandSpec {
    CommandSpec {
        argv: argv.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
        env: vec![],
        cwd: b"/work".to_vec(),
        terminal: None,
        as_root: false,
        main: false,
    }
}

fn text(list: &[CString]) -> Vec<&str> {
    list.iter().map(|string| string.to_str().unwrap()).collect()
}

#[test]
fn a_name_is_looked_for_along_the_path_the_host_gives() {
    let mut spec = spec(&["tool", "-x"]);
    spec.env = vec![(b"PATH".to_vec(), b"/a::/b".to_vec())];
    let launch = launch(&spec, &account(), &debian()).unwrap();
    assert_eq!(text(&launch.candidates), ["/a/tool", "./tool", "/b/tool"]);
    assert_eq!(text(&launch.argv), ["tool", "-x"]);
    assert_eq!(launch.identity, Some((1000, 100)));
}

#[test]
fn a_name_with_a_slash_is_not_looked_for() {
    assert_eq!(
        text(&launch(&spec(&["./tool"]), &account(), &debian()).unwrap().candidates),
        ["./tool"]
    );
}

#[test]
fn without_a_command_the_login_shell_starts_and_knows_that_it_is_one() {
    let launch = launch(&spec(&[]), &account(), &debian()).unwrap();
    assert_eq!(text(&launch.candidates), ["/bin/bash"]);
    assert_eq!(text(&launch.argv), ["-bash"]);
}

#[test]
fn given_variables_win_and_the_last_of_a_name_counts() {
    let mut spec = spec(&["x"]);
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    spec.env = vec![pair("TERM", "a"), pair("HOME", "/elsewhere"), pair("TERM", "b=c")];
    let launch = launch(&spec, &account(), &debian()).unwrap();
    assert_eq!(
        text(&launch.envp),
        [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/elsewhere",
            "USER=me",
            "LOGNAME=me",
            "SHELL=/bin/bash",
            "TERM=b=c"
        ]
    );
}

#[test]
fn what_execve_cannot_take_is_refused() {
    assert_eq!(
        launch(&spec(&["a\0b"]), &account(), &debian()),
        Err((SpawnFailure::Other, libc::EINVAL))
    );
    assert_eq!(
        launch(&spec(&[""]), &account(), &debian()),
        Err((SpawnFailure::NotFound, libc::ENOENT))
    );
    let mut relative = spec(&["x"]);
    relative.cwd = b"work".to_vec();
    assert_eq!(
        launch(&relative, &account(), &debian()),
        Err((SpawnFailure::WorkingDirectory, libc::ENOENT))
    );
    for name in ["", "A=B"] {
        let mut variable = spec(&["x"]);
        variable.env = vec![(name.as_bytes().to_vec(), vec![])];
        assert_eq!(
            launch(&variable, &account(), &debian()),
            Err((SpawnFailure::Other, libc::EINVAL))
        );
    }
}

#[test]
fn arguments_are_passed_byte_for_byte() {
    let mut bytes = spec(&["x"]);
    bytes.argv.push(vec![0xff, b'\n', 0x80]);
    bytes.argv.push(vec![]);
    let launch = launch(&bytes, &account(), &debian()).unwrap();
    assert_eq!(launch.argv[1].as_bytes(), [0xff, b'\n', 0x80]);
    assert!(launch.argv[2].as_bytes().is_empty());
}

#[test]
fn the_images_path_and_variables_are_weaker_than_the_hosts() {
    let json = br#"{"path": "/sw/bin", "env": {"A": "image", "B": "image", "HOME": "/image"}}"#;
    let config = ImageConfig::parse(json).unwrap();
    let mut spec = spec(&["tool"]);
    spec.env = vec![(b"B".to_vec(), b"host".to_vec())];
    let launch = launch(&spec, &account(), &Environment::from(&config)).unwrap();
    assert_eq!(text(&launch.candidates), ["/sw/bin/tool"]);
    let envp = text(&launch.envp);
    for entry in ["PATH=/sw/bin", "A=image", "B=host", "HOME=/image"] {
        assert_eq!(envp.iter().filter(|other| **other == entry).count(), 1, "{envp:?}");
    }
    assert_eq!(envp.len(), 7);
}

#[test]
fn the_hosts_path_can_go_around_the_images() {
    let mut spec = spec(&["x"]);
    spec.env = vec![(b"PATH".to_vec(), b"/a:$PATH:/b".to_vec())];
    let launch = launch(&spec, &account(), &debian()).unwrap();
    assert_eq!(
        text(&launch.envp)[0],
        "PATH=/a:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/b"
    );
    assert_eq!(text(&launch.candidates)[..2], ["/a/x", "/usr/local/sbin/x"]);
}
