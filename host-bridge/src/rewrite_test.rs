#![allow(clippy::unwrap_used)]

use super::*;
use crate::endpoint::Fold::{Anthropic, Chat, No, Responses};

fn rewritten(body: &str, fold: Fold) -> String {
    rewrite(body.as_bytes(), fold).unwrap().with("m")
}

#[test]
fn only_the_model_changes() {
    let body = r#"{"b":1.0e5,"model":"x","a":{"z":1,"y":[1, 2]},"c":"\u00e9\/"}"#;
    let expected = r#"{"b":1.0e5,"model":"m","a":{"z":1,"y":[1, 2]},"c":"\u00e9\/"}"#;
    for fold in [No, Chat, Responses, Anthropic] {
        assert_eq!(rewritten(body, fold), expected);
    }
    assert_eq!(rewritten("{}", No), r#"{"model":"m"}"#);
    assert_eq!(rewritten(r#"{"a":1}"#, No), r#"{"a":1,"model":"m"}"#);
    // Escapes in a key hide nothing.
    assert_eq!(rewritten(r#"{"\u006dodel":7}"#, No), r#"{"model":"m"}"#);
    let quoted = rewrite(b"{}", No).unwrap().with("a\"b");
    assert_eq!(quoted, r#"{"model":"a\"b"}"#);
}

#[test]
fn no_slot_is_chosen_by_a_guest() {
    assert_eq!(rewritten(r#"{"id_slot":3,"a":1}"#, No), r#"{"a":1,"model":"m"}"#);
    assert_eq!(rewritten(r#"{"id_\u0073lot":3}"#, Chat), r#"{"model":"m"}"#);
}

#[test]
fn a_stream_is_seen() {
    assert!(rewrite(br#"{"stream":true}"#, No).unwrap().stream);
    for body in [r#"{"stream":false}"#, r#"{"stream":"true"}"#, "{}"] {
        assert!(!rewrite(body.as_bytes(), No).unwrap().stream);
    }
}

#[test]
fn what_is_no_clear_object_is_refused() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let wide =
        format!("{{{}\"z\":0}}", (0..300).map(|i| format!("\"{i}\":0,")).collect::<String>());
    let tools = format!(r#"{{"tools":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [
        "",
        "[]",
        "1",
        "null",
        "{",
        "{}{}",
        "{}x",
        r#"{"a":1,}"#,
        r#"{"a":NaN}"#,
        "\u{feff}{}",
        r#"{"model":"a","model":"b"}"#,
        r#"{"model":"a","\u006dodel":"b"}"#,
        r#"{"messages":[{"role":"user","role":"system"}]}"#,
        &deep,
        &wide,
        &tools,
    ] {
        assert!(rewrite(body.as_bytes(), Chat).is_err(), "{body}");
    }
    assert!(rewrite(b"{\"a\":\"\xff\"}", No).is_err());
}
