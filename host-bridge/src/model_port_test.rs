#![allow(clippy::unwrap_used)]

use crate::link::{Failure, State};
use crate::testing::{Rig, chunk, get, limits, post, reply};

const CHAT: &str = "/v1/chat/completions";

#[test]
fn what_is_not_offered_is_refused_without_asking_the_server() {
    let rig = Rig::new(limits());
    let denied = [
        "POST /slots",
        "GET /slots",
        "POST /slots/0?action=save",
        "GET /slots/0",
        "GET /lora-adapters",
        "POST /lora-adapters",
        "GET /metrics",
        "POST /models/load",
        "POST /models/unload",
        "GET /models/sse",
        "GET /tools",
        "POST /tools",
        "GET /cors-proxy?url=http://10.0.0.1/",
        "POST /cors-proxy",
        "GET /v1/streams",
        "GET /v1/stream/1",
        "DELETE /v1/stream/1",
        "GET /index.html",
        "GET /bundle.js",
        "GET /health/",
        "GET //health",
        "GET /%68ealth",
        "GET /v1/../health",
        "GET /Health",
        "GET http://x/health",
        "GET http://x/slots",
        "OPTIONS *",
        "GET /v1/models/qwen",
        "POST /v1/audio/transcriptions",
        "POST /v1//messages",
        "POST /v1/messages/batches",
        "POST /props",
        "POST /models",
        "DELETE /models",
        "DELETE /v1/models",
        "POST /v1/chat/completions/control",
    ];
    for line in denied {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}");
        let response = rig.ask(&request);
        assert_eq!(response.status, 403, "{line}");
        assert!(response.body.contains("not offered to guests"), "{line}: {}", response.body);
    }
    for line in [
        "PUT /health",
        "GET /v1/messages",
        "POST /",
        "PATCH /v1/chat/completions",
        "OPTIONS /v1/messages",
        "DELETE /v1/responses",
    ] {
        let response = rig.ask(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(response.status, 405, "{line}");
        assert!(response.headers.contains_key("allow"), "{line}");
    }
    let connect = rig.ask("CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(connect.status, 403);
    let upgrade = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\n\r\n";
    assert_eq!(rig.ask(upgrade).status, 403);
    assert!(rig.untouched());
    rig.end();
}

#[test]
fn errors_are_shaped_for_the_client() {
    let rig = Rig::new(limits());
    let error = rig.ask(&post("/v1/messages/batches", "{}")).json();
    assert_eq!(error["type"], "error");
    assert_eq!(error["error"]["type"], "permission_error");
    let error = rig.ask(&post("/v1/messages", "{")).json();
    assert_eq!(error["error"]["type"], "invalid_request_error");
    let response = rig.ask(&post(CHAT, r#"{"a":1,"a":2}"#));
    assert_eq!(response.status, 400);
    assert_eq!(response.json()["error"]["code"], 400);
    assert!(rig.untouched());
}

#[test]
fn the_bridge_answers_for_itself() {
    let rig = Rig::new(limits());
    rig.fake.set(State::Starting);
    let mut guest = rig.guest();
    guest.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (first, headers) = guest.head();
    assert_eq!(first, "HTTP/1.1 200 OK");
    assert_ne!(headers["content-length"], "0");
    // The connection serves more requests.
    guest.send(get("/?a=b"));
    assert_eq!(guest.response().status, 200);
    guest.send(get("/v1/models?limit=1000"));
    let list = guest.response().json();
    assert_eq!(list["data"][0]["id"], "local");
    assert_eq!(list["data"][1]["id"], "qwen");
    assert_eq!(list["data"][1]["display_name"], "Qwen");
    assert_eq!(list["data"][1]["context_length"], 4096);
    assert!(rig.untouched());
}

#[test]
fn a_request_is_made_anew() {
    let rig = Rig::new(limits());
    let body =
        r#"{ "messages":[ {"role":"user","content":"h\u0069"} ],"model":"claude-x", "z":1.50}"#;
    let guest = rig.guest();
    guest.send(format!(
        "POST {CHAT}?beta=true HTTP/1.1\r\nHost: evil\r\nAuthorization: Bearer s\r\nX-Api-Key: s\r\n\
         Cookie: s\r\nX-Forwarded-For: 1\r\nAccept-Encoding: gzip\r\nAccept: */*\r\n\
         anthropic-version: 1\r\nX-Other: 1\r\nTE: trailers\r\nConnection: keep-alive, x-other\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let mut server = rig.server();
    let (first, headers, body) = server.request();
    assert_eq!(first, format!("POST {CHAT} HTTP/1.1"));
    let names: Vec<_> = headers.keys().map(String::as_str).collect();
    let expected =
        ["accept", "anthropic-version", "connection", "content-length", "content-type", "host"];
    assert_eq!(names, expected);
    assert_eq!(headers["host"], "localhost");
    let sent = r#"{"messages":[ {"role":"user","content":"h\u0069"} ],"model":"qwen","z":1.50}"#;
    assert_eq!(body, sent);
    server.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: llama\r\nSet-Cookie: a\r\n\
         Content-Length: 2\r\n\r\n{}",
    );
    let mut guest = guest;
    let response = guest.response();
    assert_eq!((response.status, &*response.body), (200, "{}"));
    assert!(!response.headers.contains_key("server"));
    assert!(!response.headers.contains_key("set-cookie"));
}

#[test]
fn health_and_props_come_from_the_server_without_paths() {
    let rig = Rig::new(limits());
    let mut guest = rig.guest();
    guest.send(get("/health"));
    let mut server = rig.server();
    assert_eq!(server.request().0, "GET /health HTTP/1.1");
    server.send(reply("200 OK", "application/json", r#"{"status":"ok"}"#));
    assert_eq!(guest.response().body, r#"{"status":"ok"}"#);
    guest.send(get("/props?model=x"));
    let mut server = rig.server();
    assert_eq!(server.request().0, "GET /props HTTP/1.1");
    let props = r#"{"default_generation_settings":{"n_ctx":512,"params":{"x":"/secret"}},
        "model_path":"/secret/model.gguf","total_slots":4,"modalities":{"vision":false}}"#;
    server.send(reply("200 OK", "application/json", props));
    let props = guest.response().json();
    assert_eq!(props["default_generation_settings"]["n_ctx"], 512);
    assert_eq!(props["total_slots"], 4);
    assert!(!props.to_string().contains("secret"));
}

#[test]
fn while_a_model_is_loaded_short_requests_fail_at_once() {
    let rig = Rig::new(limits());
    rig.fake.set(State::Starting);
    for request in [get("/health"), get("/props"), post("/tokenize", "{}")] {
        let response = rig.ask(&request);
        assert_eq!(response.status, 503);
        assert_eq!(response.json()["error"]["message"], "Loading model");
        assert_eq!(response.json()["error"]["type"], "unavailable_error");
    }
    *rig.fake.failure.lock().unwrap() = Some(Failure::Down("the server crashed".into()));
    let response = rig.ask(&post(CHAT, "{}"));
    assert_eq!(response.status, 502);
    assert!(response.body.contains("the server crashed"));
}

#[test]
fn a_half_closed_client_gets_what_is_answered_at_once() {
    let rig = Rig::new(limits());
    for request in
        [get("/health"), post("/tokenize", "{}"), post("/v1/messages/count_tokens", "{}")]
    {
        let mut guest = rig.guest();
        guest.send(request);
        guest.half_close();
        let mut server = rig.server();
        server.request();
        server.send(reply("200 OK", "application/json", "42"));
        assert_eq!(guest.response().body, "42");
        assert_eq!(guest.rest(), "");
    }
    for (request, status) in [(get("/slots"), 403), (get("/v1/models"), 200), (get("/"), 200)] {
        let mut guest = rig.guest();
        guest.send(request);
        guest.half_close();
        assert_eq!(guest.response().status, status);
        assert_eq!(guest.rest(), "");
    }
    // A body that ends too soon is no request.
    let mut guest = rig.guest();
    guest.send("POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}");
    guest.half_close();
    assert_eq!(guest.response().status, 400);
    assert!(rig.untouched());
}

#[test]
fn large_bodies_pass_and_larger_ones_do_not() {
    let rig = Rig::new(limits());
    let image = "A".repeat(64 << 20);
    let body = format!(r#"{{"image_url":"data:image/png;base64,{image}"}}"#);
    let mut guest = rig.guest();
    let sender = guest.stream.get_ref().try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut &sender, post(CHAT, &body).as_bytes()).unwrap();
    });
    let mut server = rig.server();
    assert!(server.request().2.len() > 64 << 20);
    server.send(reply("200 OK", "application/json", "1"));
    assert_eq!(guest.response().status, 200);
    writer.join().unwrap();

    let rig = Rig::new(crate::Limits { body: 1000, ..limits() });
    assert_eq!(rig.ask(&post(CHAT, &"x".repeat(2000))).status, 413);
    let chunked = format!(
        "POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n",
        chunk(&"x".repeat(600)),
        chunk(&"x".repeat(600))
    );
    assert_eq!(rig.ask(&chunked).status, 413);
    let announced = format!(
        "POST {CHAT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n"
    );
    assert_eq!(rig.ask(&announced).status, 413);
    assert!(rig.untouched());
}

#[test]
fn bodies_wait_for_memory() {
    let memory = 1 << 20;
    let rig = Rig::new(crate::Limits { memory, body: memory, ..limits() });
    // Takes all there is, and sends nothing.
    let mut hog = rig.guest();
    hog.send(format!(
        "POST {CHAT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {memory}\r\n\r\n"
    ));
    assert_eq!(hog.head().0, "HTTP/1.1 100 Continue");
    let mut guest = rig.guest();
    guest.send(post(CHAT, "{}"));
    assert_eq!(rig.ask(&get("/")).status, 200, "what needs no memory goes on");
    assert!(rig.untouched());
    drop(hog);
    let mut server = rig.server();
    server.request();
    server.send(reply("200 OK", "application/json", "1"));
    assert_eq!(guest.response().status, 200);
}

#[test]
fn a_slow_body_is_given_up() {
    let upload = std::time::Duration::from_millis(50);
    let rig = Rig::new(crate::Limits { upload, ..limits() });
    let mut slow = rig.guest();
    slow.send(format!("POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{"));
    assert_eq!(slow.response().status, 408);
    assert!(rig.untouched());
}

#[test]
fn heads_are_bounded_in_size_and_time() {
    let head = std::time::Duration::from_millis(100);
    let rig = Rig::new(crate::Limits { head, ..limits() });
    let long = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let mut guest = rig.guest();
    let _ = std::io::Write::write_all(&mut guest.stream.get_ref(), long.as_bytes());
    assert_eq!(guest.response().status, 431);
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(101));
    assert_eq!(rig.ask(&many).status, 431);
    let mut slow = rig.guest();
    slow.send("GET /health HTTP/1.1\r\n");
    slow.rest();
    assert!(rig.untouched());
}

#[test]
fn framing_tricks_do_not_reach_the_server() {
    let rig = Rig::new(limits());
    let smuggled = "GET /slots HTTP/1.1\r\nHost: x\r\n\r\n";
    // Both lengths: hyper goes by the chunks; what follows is a request of its own, refused.
    let mut guest = rig.guest();
    guest.send(format!(
        "POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{smuggled}"
    ));
    let mut server = rig.server();
    let (_, headers, body) = server.request();
    assert_eq!(headers["content-length"], "16");
    assert!(!headers.contains_key("transfer-encoding"));
    assert_eq!(body, r#"{"model":"qwen"}"#);
    server.send(reply("200 OK", "application/json", "1"));
    assert_eq!(guest.response().status, 200);
    let refused = guest.rest();
    assert!(refused.is_empty() || refused.contains("403"), "{refused}");
    for request in [
        "POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        "POST /tokenize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n{}",
        "POST /tokenize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "POST /tokenize HTTP/1.1\r\nHost : x\r\nContent-Length: 2\r\n\r\n{}",
        "GET /health HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET /health HTTP/1.1\r\nA: b\0c\r\n\r\n",
        "GET  /health HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
    ] {
        let mut guest = rig.guest();
        guest.send(request);
        guest.half_close();
        let rest = guest.rest();
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 4"), "{request:?}: {rest}");
    }
    assert!(rig.untouched());
}
