use super::*;

#[test]
fn words_as_a_shell_sees_them() {
    for (text, wanted) in [
        ("", &[][..]),
        ("  a  b\t", &["a", "b"]),
        (r#"--kw '{"a": "b c"}'"#, &["--kw", r#"{"a": "b c"}"#]),
        (r#"--kw "{\"a\":1}""#, &["--kw", r#"{"a":1}"#]),
        (r#"a'b'"c"\ d"#, &["abc d"]),
        (r#"'' """#, &["", ""]),
        (r#""\n""#, &[r"\n"]),
    ] {
        let words = split(text);
        let words = words.as_ref().map(|w| w.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(words, Ok(wanted.to_vec()), "{text}");
    }
    for text in ["'a", "\"a", "a\\", "\"\\"] {
        assert_eq!(split(text), Err(Unclosed), "{text}");
    }
}
