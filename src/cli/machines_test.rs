use super::*;

#[test]
fn a_line_for_each_machine() {
    let info = Info {
        name: "box".into(),
        pid: 7,
        workspace: "/p".into(),
        command: "sh -c \x1b[2Jx\ny".into(),
        accel: "tcg".into(),
        started: 100,
    };
    let text = table(&[info], 190);
    assert_eq!(
        text,
        "NAME  PID      ACCEL  UP        WORKSPACE: COMMAND\nbox   7        tcg    1m30s     /p: sh -c \\u{1b}[2Jx\\ny\n"
    );
    assert_eq!(table(&[], 0).lines().count(), 1);
}

#[test]
fn ages() {
    for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m0s"), (3661, "1h1m"), (90_000, "1d1h")]
    {
        assert_eq!(age(seconds), text);
    }
}
