#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn exit_statuses_mean_something() {
    let said = |code, text: &str| fault(Some(code), text);
    assert!(matches!(said(22, "curl: (22) The requested URL\n404"), Fault::Status(404)));
    assert!(matches!(said(33, ""), Fault::NoRange));
    let Fault::Cut(why) = said(18, "curl: (18) end of \u{1b}response\n200") else { panic!() };
    assert_eq!(why, "end of response");
    let Fault::Other(why) = said(6, "curl: (6) Could not resolve host: x\n000") else { panic!() };
    assert_eq!(why, "Could not resolve host: x");
    let Fault::Other(why) = said(7, &"curl: (7) é".repeat(500)) else { panic!() };
    assert!(why.chars().count() <= LONGEST_MESSAGE);
    assert!(matches!(fault(None, ""), Fault::Other(_)));
}

#[test]
fn the_hub_may_be_elsewhere() {
    let at = |text: &str| endpoint(Some(OsStr::new(text)));
    assert_eq!(endpoint(None).unwrap(), "https://huggingface.co");
    assert_eq!(at("").unwrap(), "https://huggingface.co");
    assert_eq!(at("http://127.0.0.1:80/").unwrap(), "http://127.0.0.1:80");
    for wrong in ["hub", "file:///etc", "https://", "https://a b", "https://u@h", "https://h?x"] {
        assert!(at(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_token_cannot_add_lines_to_curl_s_configuration() {
    let find = |token: &'static str| {
        Curl::find(
            move |name| match name {
                "PATH" => std::env::var_os("PATH"),
                "HF_TOKEN" => Some(token.into()),
                _ => None,
            },
            &[],
        )
    };
    for token in ["a\nurl = x", "a\"b", "a b", "a\\"] {
        match find(token) {
            Err(SetupError::Absent) => return println!("skipped: no curl in PATH"),
            other => assert_eq!(other.err(), Some(SetupError::Token), "{token:?}"),
        }
    }
    assert!(find("hf_Abc123").unwrap().has_token());
    assert!(!find("").unwrap().has_token());
    let nowhere = Curl::find(|_| None, &[]);
    assert_eq!(nowhere.err(), Some(SetupError::Absent));
}
