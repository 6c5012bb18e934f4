#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use crate::archive::{end, put};

/// All files of an image, as `expected` has them.
fn archive(flags: u8) -> Vec<u8> {
    let mut bytes = vec![flags];
    let manifest = expected();
    if flags & MANIFEST_READ == 0 {
        let json = manifest.to_json().unwrap();
        put(&mut bytes, "manifest.json", json.len() as u64, &mut json.as_slice()).unwrap();
    }
    for (name, file) in &manifest.files {
        put(&mut bytes, name, file.size, &mut io::repeat(7)).unwrap();
    }
    end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_expected_is_accepted() {
    let bytes = archive(0);
    let mut from = &bytes[1..];
    let manifest = Manifest::parse(&manifest(&mut from).unwrap()).unwrap();
    assert_eq!(manifest, expected());
    rest(&mut from, &manifest, &mut |_| Ok(Box::new(io::sink()))).unwrap();
}

#[test]
fn what_is_in_order_is_not_altered_by_repair() {
    let mut bytes = archive(0);
    repair(&mut bytes[1..]);
    assert_eq!(bytes, archive(0));
}

#[test]
fn damaged_archives_neither_panic_nor_hang() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize % limit
    };
    for round in 0..4000_u32 {
        let mut bytes = archive((round % 4) as u8);
        for _ in 0..=random(3) {
            // Most of them in a header, and most of those in its size.
            let block = random(bytes.len() / BLOCK) * BLOCK + 1;
            let at = [random(BLOCK), 124 + random(12)][random(2)];
            bytes[block + at] = [b'7', 0xff, 0x80, random(256) as u8][random(4)];
        }
        bytes.truncate(1 + random(2 * bytes.len()));
        fuzz(&bytes);
    }
}
