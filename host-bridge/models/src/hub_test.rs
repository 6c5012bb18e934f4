#![allow(clippy::unwrap_used)]

use super::*;
use crate::source::Source;

fn repo(text: &str) -> Repo {
    match text.parse().unwrap() {
        Source::Hub(repo) => repo,
        Source::File(path) => panic!("{}", path.display()),
    }
}

#[test]
fn the_file_that_is_meant() {
    let several = ["a-Q4_K.gguf", "a-Q4_K_M.gguf", "a-Q8_0.gguf", "mmproj-F16.gguf"];
    let parts = ["a-Q8_0-00001-of-00002.gguf", "a-Q8_0-00002-of-00002.gguf"];
    for (names, wanted, chosen) in [
        (&several[..], "o/r", Some("a-Q4_K_M.gguf")),
        (&several, "o/r:Q8_0", Some("a-Q8_0.gguf")),
        (&several, "o/r:q4_k", Some("a-Q4_K.gguf")),
        (&several, "o/r:mmproj-F16.gguf", Some("mmproj-F16.gguf")),
        (&several, "o/r:F16", None),
        (&several, "o/r:Q5", None),
        (&several, "o/r:b.gguf", None),
        (&["one.gguf", "mmproj.gguf"], "o/r", Some("one.gguf")),
        (&["UD-Q4_K_M/a.gguf", "UD-Q4_K_M/b.gguf"], "o/r:Q4_K_M", None),
        (&["Q2/a.gguf", "Q3/a.gguf"], "o/r:Q3", Some("Q3/a.gguf")),
        (&["a.gguf", "b.gguf"], "o/r", None),
        (&parts, "o/r", Some(parts[0])),
        (&parts, "o/r:Q8_0", Some(parts[0])),
        (&[], "o/r", None),
    ] {
        let found = choose(names, &repo(wanted));
        assert_eq!(found.as_ref().ok().copied(), chosen, "{wanted} of {names:?}: {found:?}");
    }
}

#[test]
fn messages_name_what_there_is() {
    let names = ["a-Q2.gguf", "a-Q3.gguf"];
    let error = choose(&names, &repo("o/r")).unwrap_err().to_string();
    assert_eq!(error, "o/r could be any of: a-Q2.gguf, a-Q3.gguf; write o/r:FILE");
    let error = choose(&names, &repo("o/r:Q9")).unwrap_err().to_string();
    assert_eq!(error, "o/r:Q9 has no such file; it has: a-Q2.gguf, a-Q3.gguf");
    let many: Vec<String> = (0..50).map(|n| format!("{n}.gguf")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = choose(&many, &repo("o/r")).unwrap_err().to_string();
    assert!(error.contains("and 30 more"), "{error}");
}

#[test]
fn a_hostile_list_is_cut_down() {
    let hash = "A".repeat(64);
    let answer = serde_json::json!({"sha": "not a commit", "more": [1], "siblings": [
        {"rfilename": "ok.gguf", "size": 5, "lfs": {"oid": hash, "size": 7}},
        {"rfilename": "ok.gguf", "size": 6},
        {"rfilename": "plain.gguf", "size": 5, "lfs": {"sha256": "short"}},
        {"rfilename": "../evil.gguf", "size": 5},
        {"rfilename": "/etc/evil.gguf", "size": 5},
        {"rfilename": "a/../../evil.gguf", "size": 5},
        {"rfilename": "a\u{1b}[2J.gguf", "size": 5},
        {"rfilename": "a\nb.gguf", "size": 5},
        {"rfilename": ".hidden.gguf", "size": 5},
        {"rfilename": "a?b#c.gguf", "size": 5},
        {"rfilename": "huge.gguf", "size": u64::MAX},
        {"rfilename": "empty.gguf", "size": 0},
        {"rfilename": "nosize.gguf"},
        {"rfilename": "README.md", "size": 5},
    ]});
    let listing = Listing::parse(answer.to_string().as_bytes(), &repo("o/r")).unwrap();
    assert_eq!(listing.commit, None);
    let wanted = [
        RemoteFile { name: "ok.gguf".into(), size: 7, sha256: Some("a".repeat(64)) },
        RemoteFile { name: "plain.gguf".into(), size: 5, sha256: None },
    ];
    assert_eq!(listing.files, wanted);
    for damaged in ["", "[]", "<html>", r#"{"siblings":[{"rfilename":"a.gguf","size":-1}]}"#] {
        assert!(Listing::parse(damaged.as_bytes(), &repo("o/r")).is_err(), "{damaged}");
    }
}

#[test]
fn a_repository_that_lacks_a_part_is_refused() {
    let file = |name: &str| RemoteFile { name: name.into(), size: 1, sha256: None };
    let files = vec![file("a-00001-of-00003.gguf"), file("a-00003-of-00003.gguf")];
    let error = Listing { commit: None, files }.choose(&repo("o/r")).unwrap_err();
    assert!(error.to_string().contains("a-00002-of-00003.gguf"), "{error}");
}
