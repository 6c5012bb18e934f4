#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::sample_bzimage;

#[test]
fn finds_what_was_put_in() {
    let image = sample_bzimage(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3], 99);
    let found = payload(&image).unwrap();
    assert_eq!(
        found,
        Payload {
            bytes: &[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3],
            compression: Compression::Zstd,
            length: 99
        }
    );

    // What a gzip file ends with is the length itself.
    let image = sample_bzimage(&[0x1f, 0x8b, 8, 0], 5);
    assert_eq!(payload(&image).unwrap().bytes, &[0x1f, 0x8b, 8, 0, 5, 0, 0, 0]);
}

#[test]
fn refuses_what_is_none() {
    assert!(matches!(payload(b""), Err(BzImageError::NotBzImage)));
    assert!(matches!(payload(&[0; 4096]), Err(BzImageError::NotBzImage)));
    let image = sample_bzimage(&[0x28, 0xb5, 0x2f, 0xfd, 1], 99);
    for length in [0x250, 0x260, image.len() - 1] {
        assert!(matches!(payload(&image[..length]), Err(BzImageError::Truncated)), "{length}");
    }
    assert!(matches!(payload(&sample_bzimage(b"????", 99)), Err(BzImageError::Compression(_))));
    let huge = sample_bzimage(&[0x28, 0xb5, 0x2f, 0xfd], u32::MAX);
    assert!(matches!(payload(&huge), Err(BzImageError::TooLong(_))));
}

#[test]
fn refuses_offsets_outside() {
    let mut image = sample_bzimage(&[0x28, 0xb5, 0x2f, 0xfd, 1], 99);
    for field in [PAYLOAD_OFFSET, PAYLOAD_LENGTH] {
        let saved = image.clone();
        image[field..field + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(payload(&image), Err(BzImageError::Truncated)));
        image = saved;
    }
}
