use super::*;

#[test]
fn one_failure_makes_it_unusable() {
    let ok = Report::new(vec![Finding::ok("a", "x"), Finding::warn("b", "y", "z")], "kvm".into());
    assert!(ok.usable);
    let fail =
        Report::new(vec![Finding::ok("a", "x"), Finding::fail("b", "y", "do z")], "none".into());
    assert!(!fail.usable);
    let text = fail.text();
    assert!(
        text.contains("FAIL  b")
            && text.contains("-> do z")
            && text.contains("before this is mended: b."),
        "{text}"
    );
}

#[test]
fn facts_cannot_steer_the_terminal() {
    let text = Report::new(vec![Finding::ok("a", "x\x1b[2J\ny")], String::new()).text();
    assert!(!text.contains('\x1b') && text.contains("x\\u{1b}[2J\\ny"), "{text}");
}
