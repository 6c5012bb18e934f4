#![allow(clippy::unwrap_used)]

use crate::link::State;
use crate::testing::{Rig, get, limits, post};

#[test]
fn models_and_status_are_told() {
    let rig = Rig::new(limits());
    let mut guest = rig.switch();
    guest.send(get("/models"));
    let expected = r#"{"models":[{"active":true,"ctx_size":4096,"id":"qwen","name":"Qwen"}]}"#;
    assert_eq!(guest.response().body, expected);
    rig.fake.set(State::Starting);
    guest.send(get("/status?x"));
    let status = guest.response().json();
    assert_eq!(status["state"], "starting");
    assert_eq!(status["model"], "qwen");
    assert_eq!(status["model_name"], "Qwen");
    guest.send("HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(guest.head().0, "HTTP/1.1 200 OK");
    rig.end();
}

#[test]
fn a_switch_has_the_codes_it_should() {
    let rig = Rig::new(limits());
    let long = format!(r#"{{"model":"{}"}}"#, "x".repeat(1000));
    let huge = "x".repeat(70_000);
    for (body, code) in [
        (r#"{"model":"qwen"}"#, 200),
        (r#"{"model":"other"}"#, 404),
        (&*long, 404),
        (r#"{"model":"busy"}"#, 409),
        ("{", 400),
        ("", 400),
        ("[]", 400),
        ("{}", 400),
        (r#"{"model":7}"#, 400),
        (r#"{"model":""}"#, 400),
        (r#"{"model":"qwen","model":"busy"}"#, 400),
        (&*huge, 413),
    ] {
        let response = rig.switch().ask(&post("/switch", body));
        assert_eq!(response.status, code, "{body}");
        if code == 200 {
            assert_eq!(response.json()["success"], true);
            assert_eq!(response.json()["state"], "running");
        } else {
            assert!(response.json()["error"]["message"].is_string());
        }
    }
    for (line, code) in [
        ("GET /switch", 405),
        ("POST /models", 405),
        ("DELETE /status", 405),
        ("GET /", 404),
        ("GET /v1/models", 404),
        ("GET http://x/models", 404),
    ] {
        let response = rig.switch().ask(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(response.status, code, "{line}");
    }
    let mut guest = rig.switch();
    guest.send(post("/switch", r#"{"model":"qwen"}"#));
    guest.half_close();
    assert_eq!(guest.response().status, 200);
}
