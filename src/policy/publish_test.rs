#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_forms() {
    let cases = [
        ("8080:80", "127.0.0.1", 8080, 80),
        ("0:80", "127.0.0.1", 0, 80),
        ("0.0.0.0:1:2", "0.0.0.0", 1, 2),
        ("[::1]:65535:65535", "::1", 65535, 65535),
    ];
    for (text, ip, host_port, guest_port) in cases {
        assert_eq!(
            publish(text),
            Ok(Publish { ip: ip.parse().unwrap(), host_port, guest_port }),
            "{text}"
        );
    }
}

#[test]
fn the_rest_is_refused() {
    for text in ["", "80"] {
        assert_eq!(publish(text), Err(PublishError::Form), "{text}");
    }
    for text in ["80:0", "80:65536", "a:80", "80:", ":80", "+1:80", "-1:80", "1:2:tcp"] {
        assert!(publish(text).is_err(), "{text}");
    }
    for text in ["localhost:1:2", "::1:1:2", "1.2.3:1:2", ":1:2", "[127.0.0.1]:1:2"] {
        assert!(matches!(publish(text), Err(PublishError::Address(_))), "{text}");
    }
}

#[test]
fn one_listener_for_each() {
    let of =
        |texts: &[&str]| distinct(&texts.iter().map(|t| publish(t).unwrap()).collect::<Vec<_>>());
    assert_eq!(of(&["1:2", "1:3"]), Err(PublishError::Twice(1)));
    assert_eq!(of(&["1:2", "[::1]:1:2", "0:5", "0:6"]), Ok(()));
}
