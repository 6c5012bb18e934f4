#![allow(clippy::unwrap_used)]

use crate::link::State;
use crate::testing::{Rig, STREAM, chunk, get, limits, post, reply};

const CHAT: &str = "/v1/chat/completions";

#[test]
fn a_generating_request_waits_for_the_model() {
    let rig = Rig::new(limits());
    rig.fake.set(State::Starting);
    let mut guest = rig.guest();
    guest.send(post(CHAT, "{}"));
    assert_eq!(rig.ask(&get("/health")).status, 503);
    rig.fake.set(State::Running);
    let mut server = rig.server();
    server.request();
    // A server that is up but not ready is asked again.
    let loading = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
    server.send(reply("503 Service Unavailable", "application/json", loading));
    let mut server = rig.server();
    assert_eq!(server.request().2, r#"{"model":"qwen"}"#);
    server.send(reply("200 OK", "application/json", "[]"));
    assert_eq!(guest.response().body, "[]");
}

#[test]
fn the_wait_for_a_model_ends() {
    let hold = std::time::Duration::from_secs(1);
    let patience = std::time::Duration::from_millis(1);
    let rig = Rig::new(crate::Limits { hold, patience, ..limits() });
    rig.fake.set(State::Starting);
    assert_eq!(rig.ask(&post(CHAT, "{}")).status, 503);
    let response = rig.ask(&post("/v1/messages", r#"{"stream":true}"#));
    assert_eq!(response.status, 200);
    assert!(response.body.contains("event: error\n"), "{}", response.body);
    assert!(response.body.contains("overloaded_error"), "{}", response.body);
    rig.fake.set(State::Running);
}

#[test]
fn a_waiting_stream_gets_comments_and_then_its_events() {
    let rig = Rig::new(limits());
    rig.fake.set(State::Starting);
    let mut guest = rig.guest();
    guest.send(post("/v1/messages", r#"{"stream":true}"#));
    let (first, headers) = guest.head();
    assert_eq!(first, "HTTP/1.1 200 OK");
    assert_eq!(headers["content-type"], "text/event-stream");
    for _ in 0..3 {
        assert_eq!(guest.chunk().unwrap(), ": waiting for the model\n\n");
    }
    rig.fake.set(State::Running);
    let mut server = rig.server();
    server.request();
    server.send(STREAM);
    server.send(chunk("data: 1\n\n"));
    let mut next = guest.chunk().unwrap();
    while next.starts_with(": ") {
        next = guest.chunk().unwrap();
    }
    assert_eq!(next, "data: 1\n\n");
    server.send("0\r\n\r\n");
    assert_eq!(guest.chunk(), None);
}

#[test]
fn a_failure_after_the_first_comment_is_an_event() {
    let rig = Rig::new(limits());
    for (path, start) in [
        ("/v1/messages", "event: error\ndata: {\"error\":{\"message\":\"too long\""),
        (CHAT, "data: {\"error\":"),
        ("/v1/responses", "event: error\ndata: {\"code\":"),
    ] {
        rig.fake.set(State::Starting);
        let mut guest = rig.guest();
        guest.send(post(path, r#"{"stream":true}"#));
        guest.head();
        guest.chunk();
        rig.fake.set(State::Running);
        let mut server = rig.server();
        server.request();
        server.send(reply("400 Bad", "application/json", r#"{"error":{"message":"too long"}}"#));
        let mut body = String::new();
        while let Some(chunk) = guest.chunk() {
            body.push_str(&chunk);
        }
        let event = body.split("\n\n").find(|event| !event.starts_with(':')).unwrap();
        assert!(event.starts_with(start), "{path}: {event}");
        assert!(event.contains("too long"));
        assert_eq!(guest.rest(), "", "the connection is closed");
    }
}

#[test]
fn events_are_passed_on_as_they_come() {
    let rig = Rig::new(limits());
    let mut guest = rig.guest();
    guest.send(post(CHAT, r#"{"stream":true}"#));
    let mut server = rig.server();
    server.request();
    server.send(STREAM);
    assert_eq!(guest.head().0, "HTTP/1.1 200 OK");
    for i in 0..100 {
        // The next one is sent only after this one has arrived.
        let event = format!("data: {i}\n\n");
        server.send(chunk(&event));
        assert_eq!(guest.chunk().unwrap(), event);
    }
    server.send("0\r\n\r\n");
    assert_eq!(guest.chunk(), None);
}

#[test]
fn a_guest_that_goes_ends_its_request_in_every_state() {
    let rig = Rig::new(limits());
    // While it waits for the head, and half closed as well as closed.
    for half in [false, true] {
        let mut guest = rig.guest();
        guest.send(post(CHAT, r#"{"stream":true}"#));
        let mut server = rig.server();
        server.request();
        if half {
            guest.half_close();
        } else {
            drop(guest);
        }
        assert_eq!(server.rest(), "");
        // In mid-stream.
        guest = rig.guest();
        guest.send(post(CHAT, r#"{"stream":true}"#));
        let mut server = rig.server();
        server.request();
        server.send(STREAM);
        server.send(chunk("data: 1\n\n"));
        guest.head();
        guest.chunk();
        if half {
            guest.half_close();
            assert_eq!(server.rest(), "");
        } else {
            drop(guest);
            assert_eq!(server.rest(), "");
        }
    }
    // While it waits for a model: nothing is asked of the server once it is there.
    rig.fake.set(State::Starting);
    let guest = rig.guest();
    guest.send(post(CHAT, "{}"));
    drop(guest);
    let mut waiting = rig.guest();
    waiting.send(post(CHAT, r#"{"later":1}"#));
    rig.fake.set(State::Running);
    loop {
        let mut server = rig.server();
        let (first, _, body) = server.request();
        if first.is_empty() {
            continue;
        }
        assert!(body.contains("later"));
        server.send(reply("200 OK", "application/json", "1"));
        break;
    }
    assert_eq!(waiting.response().body, "1");
}

#[test]
fn a_server_that_dies_in_mid_stream_ends_it_with_an_event() {
    let rig = Rig::new(limits());
    let mut guest = rig.guest();
    guest.send(post("/v1/messages", r#"{"stream":true}"#));
    let mut server = rig.server();
    server.request();
    server.send(STREAM);
    server.send(chunk("data: half"));
    guest.head();
    assert_eq!(guest.chunk().unwrap(), "data: half");
    drop(server);
    assert_eq!(guest.chunk().unwrap(), "\n\n");
    assert!(guest.chunk().unwrap().starts_with("event: error\ndata: {"));
    assert_eq!(guest.chunk(), None);
    assert_eq!(guest.rest(), "");
    // Anything else is cut off, and the next request works.
    let mut guest = rig.guest();
    guest.send(post(CHAT, "{}"));
    let mut server = rig.server();
    server.request();
    server.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[");
    guest.head();
    assert_eq!(guest.chunk().unwrap(), "[");
    drop(server);
    assert_eq!(guest.rest(), "");
    let mut guest = rig.guest();
    guest.send(post(CHAT, "{}"));
    drop(rig.server());
    assert_eq!(guest.response().status, 502);
    guest.send(post(CHAT, "{}"));
    let mut server = rig.server();
    server.request();
    server.send(reply("200 OK", "application/json", "1"));
    assert_eq!(guest.response().body, "1");
}

#[test]
fn errors_of_the_server_are_passed_on() {
    let rig = Rig::new(limits());
    let mut guest = rig.guest();
    let long = "x".repeat(1000);
    for (kind, body) in
        [("application/json", r#"{"error":{"message":"bad"}}"#), ("text/html", &long)]
    {
        guest.send(post(CHAT, "{}"));
        let mut server = rig.server();
        server.request();
        server.send(reply("400 Bad Request", kind, body));
        let response = guest.response();
        assert_eq!(response.status, 400);
        assert!(response.json()["error"]["message"].is_string());
        assert!(response.body.len() < 500);
    }
}

#[test]
fn many_streams_run_side_by_side() {
    let rig = Rig::new(limits());
    let mut pairs = Vec::new();
    for _ in 0..64 {
        let guest = rig.guest();
        guest.send(post(CHAT, r#"{"stream":true}"#));
        let mut server = rig.server();
        server.request();
        server.send(STREAM);
        pairs.push((guest, server));
    }
    for round in 0..3 {
        for (guest, server) in &mut pairs {
            if round == 0 {
                guest.head();
            }
            server.send(chunk("data: x\n\n"));
            assert_eq!(guest.chunk().unwrap(), "data: x\n\n");
        }
    }
}
