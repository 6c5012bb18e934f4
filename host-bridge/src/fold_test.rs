#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::endpoint::Fold::{self, Anthropic, Chat, Responses};
use crate::rewrite::rewrite;

fn folded(body: &Value, fold: Fold) -> Value {
    let once = rewrite(body.to_string().as_bytes(), fold).unwrap().with("m");
    let twice = rewrite(once.as_bytes(), fold).unwrap().with("m");
    assert_eq!(once, twice, "folding is done at once");
    let mut value: Value = serde_json::from_str(&once).unwrap();
    value.as_object_mut().unwrap().remove("model");
    value
}

fn message(role: &str, content: impl Into<Value>) -> Value {
    json!({"role": role, "content": content.into()})
}

fn block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn chat_has_its_system_message_first() {
    let leading = json!({"messages": [message("system", "a"), message("user", "b")]});
    assert_eq!(folded(&leading, Chat), leading);
    let body = json!({"messages": [
        {"role": "developer", "content": "a\"", "name": "n"}, message("user", "b"),
        message("system", "c"), message("assistant", "d"), message("developer", "e"),
    ]});
    let expected = json!({"messages": [
        {"role": "developer", "name": "n", "content": "a\"\n\nc\n\ne"},
        message("user", "b"), message("assistant", "d"),
    ]});
    assert_eq!(folded(&body, Chat), expected);
    let body = json!({"messages": [message("user", "b"), message("system", "c")]});
    let expected = json!({"messages": [message("system", "c"), message("user", "b")]});
    assert_eq!(folded(&body, Chat), expected);
    let parts = json!([block("b"), block("c")]);
    let body = json!({"messages": [
        message("system", "a"), message("system", parts), message("system", "d"),
        message("system", Value::Null), {"role": "system"},
    ]});
    let expected = json!([block("a"), block("\n\n"), block("b"), block("c"), block("\n\nd")]);
    assert_eq!(folded(&body, Chat)["messages"], json!([message("system", expected)]));
}

#[test]
fn messages_have_their_system_messages_in_system() {
    let plain = json!({"system": "a", "messages": [message("user", "b")]});
    assert_eq!(folded(&plain, Anthropic), plain);
    let body = json!({"messages": [message("system", "a"), message("user", "b")], "system": "s"});
    let expected = json!({"messages": [message("user", "b")], "system": "s\n\na"});
    assert_eq!(folded(&body, Anthropic), expected);
    let body = json!({"messages": [message("user", "b"), message("system", json!([block("a")]))]});
    let expected = json!({"messages": [message("user", "b")], "system": [block("a")]});
    assert_eq!(folded(&body, Anthropic), expected);
    let cached = json!({"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}});
    let body = json!({"system": [cached], "messages": [message("system", "a")]});
    let expected = json!({"system": [cached, block("\n\na")], "messages": []});
    assert_eq!(folded(&body, Anthropic), expected);
    let body = json!({"system": null, "messages": [message("system", "a")]});
    assert_eq!(folded(&body, Anthropic), json!({"system": "a", "messages": []}));
}

#[test]
fn the_billing_line_is_dropped() {
    let line = "x-anthropic-billing-header: cc_version=2; cch=1a2b3;";
    let body = json!({"system": [block(line), block("s")], "messages": []});
    assert_eq!(folded(&body, Anthropic), json!({"system": [block("s")], "messages": []}));
    let body = json!({"system": [block(line)], "messages": []});
    assert_eq!(folded(&body, Anthropic), json!({"messages": []}));
    let body = json!({"system": format!("{line}\n{line}\nrest\nmore"), "messages": []});
    assert_eq!(folded(&body, Anthropic), json!({"system": "rest\nmore", "messages": []}));
    let body = json!({"messages": [message("system", line), message("system", "a")]});
    assert_eq!(folded(&body, Anthropic), json!({"system": "a", "messages": []}));
    let user = json!({"messages": [message("user", line)]});
    assert_eq!(folded(&user, Anthropic), user);
}

#[test]
fn responses_have_their_system_items_in_instructions() {
    let text = json!([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]);
    let call = json!({"type": "function_call", "name": "f", "arguments": "{}"});
    let body = json!({"instructions": "i", "input": [
        message("developer", text), message("user", "u"), call, message("system", "c"),
    ]});
    let expected =
        json!({"instructions": "i\n\na\n\nb\n\nc", "input": [message("user", "u"), call]});
    assert_eq!(folded(&body, Responses), expected);
    let body = json!({"input": [message("developer", "d")]});
    assert_eq!(folded(&body, Responses), json!({"instructions": "d", "input": []}));
    for body in [json!({"input": "text"}), json!({"input": [message("user", "u")]})] {
        assert_eq!(folded(&body, Responses), body);
    }
}

#[test]
fn system_messages_that_are_no_text_are_refused() {
    let image = json!([{"type": "input_image", "image_url": "data:x"}]);
    // In a message its arguments would pass; in `system` nothing says what they are.
    let call = json!([{"type": "tool_use", "input": {"image_url": "http://x"}}]);
    for (body, fold) in [
        (json!({"messages": [{}, message("system", 7)]}), Chat),
        (json!({"messages": [message("system", json!({"a": 1}))]}), Anthropic),
        (json!({"messages": [message("system", call)]}), Anthropic),
        (json!({"input": [message("system", image)]}), Responses),
        (json!({"input": [message("system", "a")], "instructions": 7}), Responses),
    ] {
        assert!(rewrite(body.to_string().as_bytes(), fold).is_err(), "{body}");
    }
}
