#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::io::Seek;

use serde_json::Value;

use crate::testing::{Rig, STREAM, chunk, get, limits, post, reply};

fn lines(file: &std::fs::File) -> Vec<Value> {
    let mut file = file.try_clone().unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn requests_are_logged_without_credentials() {
    let file = tempfile::tempfile().unwrap();
    let rig = Rig::with_log(limits(), Some(file.try_clone().unwrap()));
    let body = "{\"model\":\"claude\",\n\"stream\":true,\r\n\"x\":\"a\\nb\"}";
    let mut guest = rig.guest();
    guest.send(format!(
        "POST /v1/messages?beta=true HTTP/1.1\r\nAuthorization: Bearer SECRET\r\n\
         X-Api-Key: SECRET\r\nCookie: SECRET\r\nX-Session-Token: SECRET\r\nUser-Agent: c\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let mut server = rig.server();
    server.request();
    server.send(STREAM);
    guest.head();
    for _ in 0..2 {
        server.send(chunk("data: 12\n\n"));
        guest.chunk();
    }
    server.send("0\r\n\r\n");
    guest.chunk();
    // An abort, a refusal, something that is not JSON, and the switch port.
    let aborted = rig.guest();
    aborted.send(post("/v1/messages", "{}"));
    let mut server = rig.server();
    server.request();
    drop(aborted);
    server.rest();
    rig.ask(&get("/slots"));
    rig.ask(&post("/tokenize", "{\n\"\u{1}"));
    rig.switch().ask(&get("/status"));
    rig.end();
    let lines = lines(&file);
    assert!(!format!("{lines:?}").contains("SECRET"));
    let open = &lines[0];
    assert_eq!(
        (&open["event"], &open["id"], &open["port"]),
        (&"open".into(), &1.into(), &"model".into())
    );
    assert_eq!(open["path"], "/v1/messages");
    assert_eq!(open["model"], "claude");
    assert_eq!(open["stream"], true);
    assert_eq!(open["headers"]["user-agent"], "c");
    assert_eq!(open["headers"]["authorization"], "[redacted]");
    assert_eq!(open["body"]["x"], "a\nb");
    let done = |id: u64| lines.iter().find(|l| l["event"] == "done" && l["id"] == id).unwrap();
    assert_eq!((&done(1)["status"], &done(1)["aborted"]), (&200.into(), &false.into()));
    assert_eq!((&done(1)["bytes"], &done(1)["chunks"]), (&20.into(), &2.into()));
    assert_eq!((&done(2)["status"], &done(2)["aborted"]), (&0.into(), &true.into()));
    assert_eq!((&done(3)["status"], &done(3)["aborted"]), (&403.into(), &false.into()));
    assert_eq!(done(4)["status"], 400);
    let text = lines.iter().find(|l| l["event"] == "open" && l["id"] == 4).unwrap();
    assert_eq!(text["body"], "{\n\"\u{1}");
    assert_eq!(done(5)["status"], 200);
    assert_eq!(lines.len(), 10);
}

#[test]
fn a_long_body_is_cut_and_a_broken_file_ends_the_log() {
    let file = tempfile::tempfile().unwrap();
    let rig = Rig::with_log(limits(), Some(file.try_clone().unwrap()));
    let body = format!(r#"{{"content":"{}"}}"#, "x".repeat(2 << 20));
    let mut guest = rig.guest();
    guest.send(post("/tokenize", &body));
    let mut server = rig.server();
    server.request();
    server.send(reply("200 OK", "application/json", "1"));
    guest.response();
    drop(guest);
    rig.end();
    let lines = lines(&file);
    assert_eq!(lines[0]["truncated"], true);
    assert_eq!(lines[0]["body"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(lines[0]["bytes"], body.len());
    // Opened for reading only: nothing can be written, everything else goes on.
    let closed = std::fs::File::open("/dev/null").unwrap();
    let rig = Rig::with_log(limits(), Some(closed));
    assert_eq!(rig.ask(&get("/")).status, 200);
    assert_eq!(rig.ask(&get("/")).status, 200);
    rig.end();
}
