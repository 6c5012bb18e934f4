#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn text_and_back() {
    let digest = Digest::of(b"abc");
    assert_eq!(
        digest.to_string(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    assert_eq!(digest.short(), "ba7816bf8f01");
}

#[test]
fn what_is_no_digest() {
    for text in ["", "ba78", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
}

#[test]
fn a_file_as_its_bytes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = vec![7u8; (1 << 20) + 3];
    std::fs::write(file.path(), &bytes).unwrap();
    let mut count = 0;
    assert_eq!(Digest::of_file(file.path(), &mut |n| count += n).unwrap(), Digest::of(&bytes));
    assert_eq!(count, (1 << 20) + 3);
}
