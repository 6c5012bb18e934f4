use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Link {
    text: &'static str,
    source: Option<Box<Link>>,
}

fn chain(texts: &[&'static str]) -> Link {
    let mut link = None;
    for text in texts.iter().rev() {
        link = Some(Box::new(Link { text, source: link }));
    }
    *link.unwrap_or_else(|| Box::new(Link { text: "", source: None }))
}

#[test]
fn causes_follow_after_colons_and_nothing_is_said_twice() {
    assert_eq!(line(&chain(&["cannot x", "y broke", "no space"])), "cannot x: y broke: no space");
    assert_eq!(line(&chain(&["cannot x: no space", "no space"])), "cannot x: no space");
}

#[test]
fn a_line_cannot_steer_the_terminal() {
    let text = line(&chain(&["a\x1b[2Jb\nc\r\t\u{9b}d\u{202e}ü"]));
    assert_eq!(text, "a\\u{1b}[2Jb\\nc\\r\\t\\u{9b}d\\u{202e}ü");
}
