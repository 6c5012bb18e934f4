#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use std::{io::Write, sync::mpsc};

fn info_named(name: &str) -> Info {
    Info {
        name: name.into(),
        pid: std::process::id(),
        workspace: "/w".into(),
        command: "true".into(),
        accel: "tcg".into(),
        started: 1,
    }
}

fn unique(tag: &str) -> String {
    format!("test-{tag}-{}", std::process::id())
}

fn command() -> CommandSpec {
    CommandSpec {
        argv: vec![b"true".to_vec()],
        env: vec![],
        cwd: b"/".to_vec(),
        terminal: None,
        as_root: false,
        main: false,
    }
}

#[test]
fn a_registered_machine_is_listed_and_its_name_is_taken() {
    let (events, _receiver) = mpsc::channel();
    let name = unique("list");
    let _held = register(info_named(&name), events.clone()).unwrap();
    assert!(list().unwrap().contains(&info_named(&name)));
    assert!(matches!(register(info_named(&name), events), Err(Error::NameTaken(_))));
}

#[test]
fn an_unknown_name_is_not_found() {
    assert!(matches!(exec(&unique("none"), command()), Err(Error::NotFound(_))));
}

#[test]
fn connections_pass_to_the_client() {
    let (events, receiver) = mpsc::channel();
    let name = unique("exec");
    let _held = register(info_named(&name), events).unwrap();
    let client = std::thread::spawn(move || exec(&name, command()));
    let Event::Exec(asked, waiting) = receiver.recv().unwrap() else { panic!() };
    assert_eq!(asked, command());
    let pairs: Vec<_> = (0..4).map(|_| UnixStream::pair().unwrap()).collect();
    let ours = |i: usize| pairs[i].0.try_clone().unwrap();
    let connections = Connections {
        command: ours(0),
        streams: Streams::Pipes { stdin: ours(1), stdout: ours(2), stderr: ours(3) },
    };
    hand_over(&waiting, &connections).unwrap();
    let received = client.join().unwrap().unwrap();
    let Streams::Pipes { mut stdin, .. } = received.streams else { panic!() };
    stdin.write_all(b"x").unwrap();
    let mut got = [0u8];
    std::io::Read::read_exact(&mut &pairs[1].1, &mut got).unwrap();
    assert_eq!(&got, b"x");
}

#[test]
fn a_refusal_is_told() {
    let (events, receiver) = mpsc::channel();
    let name = unique("refuse");
    let _held = register(info_named(&name), events).unwrap();
    let client = std::thread::spawn(move || exec(&name, command()));
    let Event::Exec(_, waiting) = receiver.recv().unwrap() else { panic!() };
    refuse(&waiting, "the machine is ending");
    let refused = client.join().unwrap();
    assert!(matches!(refused, Err(Error::Refused(why)) if why == "the machine is ending"));
}

#[test]
fn a_client_that_went_away_is_noticed() {
    let (client, other) = UnixStream::pair().unwrap();
    assert!(is_there(&client));
    drop(other);
    assert!(!is_there(&client));
}
