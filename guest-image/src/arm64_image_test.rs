#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::{sample_arm64_image, sample_zboot};

#[test]
fn each_form_leads_to_the_image() {
    let image = sample_arm64_image(b"code");
    assert_eq!(contained(&image).unwrap(), (image.as_slice(), Compression::None));
    let gzip = [0x1f, 0x8b, 8, 0];
    assert_eq!(contained(&gzip).unwrap(), (gzip.as_slice(), Compression::Gzip));
    for (name, compression) in
        [("gzip", Compression::Gzip), ("zstd22", Compression::Zstd), ("xzkern", Compression::Xz)]
    {
        let file = sample_zboot(name, b"payload");
        assert_eq!(contained(&file).unwrap(), (b"payload".as_slice(), compression), "{name}");
    }
}

#[test]
fn refuses_what_is_none() {
    for none in [b"".as_slice(), b"MZ", &[0; 4096], b"\x7fELF"] {
        assert_eq!(contained(none), Err(Arm64ImageError::NotImage));
        assert_eq!(check(none), Err(Arm64ImageError::NotImage));
    }
    let unknown = contained(&sample_zboot("lzo", b"")).unwrap_err().to_string();
    assert!(unknown.contains("lzo"), "{unknown}");
    let whole = sample_zboot("gzip", b"payload");
    for length in [8, 15, 55, whole.len() - 1] {
        assert_eq!(contained(&whole[..length]), Err(Arm64ImageError::Truncated), "{length}");
    }
    for field in [ZBOOT_OFFSET, ZBOOT_SIZE] {
        let mut file = whole.clone();
        file[field..field + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(contained(&file), Err(Arm64ImageError::Truncated));
    }
}

#[test]
fn a_header_says_what_cannot_be_loaded() {
    let image = sample_arm64_image(b"code");
    assert_eq!(check(&image), Ok(()));
    let mut other = image.clone();
    other[FLAGS] |= 1;
    assert_eq!(check(&other), Err(Arm64ImageError::BigEndian));
    let mut other = image;
    other[IMAGE_SIZE + 7] = 1;
    assert_eq!(check(&other), Err(Arm64ImageError::TooLong(1 << 56 | (HEADER as u64 + 4))));
}
