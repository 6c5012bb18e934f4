#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn only_servers_of_this_machine_are_taken() {
    let tcp = |text: &str| Upstream::Tcp(text.parse().unwrap());
    for (text, wanted) in [
        ("unix:/run/x.sock", Upstream::Unix("/run/x.sock".into())),
        ("unix:///run/x.sock", Upstream::Unix("/run/x.sock".into())),
        ("http://127.0.0.1:8080", tcp("127.0.0.1:8080")),
        ("http://127.0.0.1:8080/", tcp("127.0.0.1:8080")),
        ("http://localhost:11434", tcp("127.0.0.1:11434")),
        ("http://[::1]:1234", tcp("[::1]:1234")),
    ] {
        assert_eq!(text.parse(), Ok(wanted), "{text}");
    }
    for text in [
        "",
        "unix:x.sock",
        "http://192.168.1.2:80",
        "http://0.0.0.0:80",
        "http://example.com:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://localhost.example:80",
        "http://127.0.0.1:80/v1",
        "127.0.0.1:80",
    ] {
        let why = text.parse::<Upstream>().unwrap_err();
        assert!(why.contains("unix:/PATH or http://127.0.0.1:PORT"), "{why}");
    }
}

#[test]
fn nobody_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::Unix(dir.path().join("none.sock"));
    assert_eq!(Foreign::look(upstream).unwrap_err().kind(), io::ErrorKind::NotFound);
}
