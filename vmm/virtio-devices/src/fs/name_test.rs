#![allow(clippy::unwrap_used)]
use std::ffi::CString;

use super::*;

fn name(bytes: &[u8]) -> Result<(), Errno> {
    Name::new(&CString::new(bytes).unwrap()).map(|_| ())
}

#[test]
fn components_pass() {
    for good in [&b"a"[..], b"...", b".a", b"a..", b" ", b"\n", b"\xff\xfe", b"a\\b", &[b'x'; 255]]
    {
        assert_eq!(name(good), Ok(()), "{good:?}");
    }
}

#[test]
fn everything_else_is_refused() {
    for bad in [&b""[..], b".", b"..", b"/", b"a/", b"/a", b"a/b", b"../a", b"./a", b"/etc/passwd"]
    {
        assert_eq!(name(bad), Err(Errno::INVAL), "{bad:?}");
    }
    assert_eq!(name(&[b'x'; 256]), Err(Errno::NAMETOOLONG));
}

#[test]
fn xattr_names_and_targets_have_their_own_limits() {
    let long = CString::new(vec![b'x'; 256]).unwrap();
    assert_eq!(XattrName::new(c"").map(|_| ()), Err(Errno::RANGE));
    assert_eq!(XattrName::new(&long).map(|_| ()), Err(Errno::RANGE));
    assert!(XattrName::new(c"user.a/b").is_ok());
    let long = CString::new(vec![b'x'; 4096]).unwrap();
    assert_eq!(Target::new(c"").map(|_| ()), Err(Errno::NOENT));
    assert_eq!(Target::new(&long).map(|_| ()), Err(Errno::NAMETOOLONG));
    assert!(Target::new(c"/etc/../..").is_ok());
}
