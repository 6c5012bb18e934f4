#![allow(clippy::unwrap_used)]

use super::*;

fn parse(text: &str) -> Result<(String, String, bool), ShareArgError> {
    share(OsStr::new(text))
        .map(|s| (s.source.display().to_string(), s.guest.display().to_string(), s.read_only))
}

#[test]
fn shares_are_taken_apart() {
    let cases = [
        ("/a:/b", ("/a", "/b", false)),
        ("/a:/b:ro", ("/a", "/b", true)),
        ("a:/b:rw", ("a", "/b", false)),
        ("../x:/b/./c//d/", ("../x", "/b/c/d", false)),
        ("/with:colon:/b", ("/with:colon", "/b", false)),
        ("/a:/b:x", ("/a", "/b:x", false)),
    ];
    for (text, (source, guest, ro)) in cases {
        assert_eq!(parse(text).unwrap(), (source.into(), guest.into(), ro), "{text}");
    }
}

#[test]
fn a_source_need_not_be_utf_8() {
    let parsed = share(OsStr::from_bytes(b"/a\xff:/b\xfe:ro")).unwrap();
    assert_eq!(parsed.source.as_os_str().as_bytes(), b"/a\xff");
    assert_eq!(parsed.guest.as_os_str().as_bytes(), b"/b\xfe");
}

#[test]
fn malformed_shares_are_refused() {
    for text in ["", "/a", ":/b", "/a:b", "/a:", "ro", ":ro", "/a:ro"] {
        assert_eq!(parse(text), Err(ShareArgError::Form), "{text}");
    }
    assert!(matches!(parse("/a:/b/../c"), Err(ShareArgError::Guest(GuestPathError::DotDot(_)))));
}

#[test]
fn the_guests_own_directories_stay() {
    for path in [
        "/", "//", "/.", "/usr", "/usr/", "/etc", "/proc", "/proc/1", "/sys/x", "/dev/shm", "/tmp",
        "/run", "/lib64",
    ] {
        assert!(matches!(normalise(Path::new(path)), Err(GuestPathError::System(_))), "{path}");
    }
    for path in ["/usr/local", "/etc/x", "/tmp/x", "/mnt", "/home/me/p", "/process", "/developer"] {
        assert_eq!(normalise(Path::new(path)).unwrap(), Path::new(path));
    }
    assert!(matches!(normalise(Path::new("a")), Err(GuestPathError::Relative(_))));
    let long = format!("/{}", "a/".repeat(3000));
    assert_eq!(normalise(Path::new(&long)), Err(GuestPathError::TooLong));
}
