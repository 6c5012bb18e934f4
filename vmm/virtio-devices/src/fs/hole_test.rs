#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn the_parts_are_the_range_and_the_blocks_are_whole() {
    for block in [1, 512, 4096] {
        for offset in [0, 1, 511, 512, 4095, 4096, 4097, 10_000] {
            for length in [1, 2, 511, 512, 4096, 8191, 8192, 50_000] {
                let hole = hole(offset, length, block).unwrap();
                assert_eq!(hole.before.0, offset);
                assert_eq!(hole.before.0 + hole.before.1, hole.blocks.0);
                assert_eq!(hole.blocks.0 + hole.blocks.1, hole.behind.0);
                assert_eq!(hole.behind.0 + hole.behind.1, offset + length);
                assert_eq!(hole.blocks.1 % block, 0);
                assert!(hole.blocks.1 == 0 || hole.blocks.0 % block == 0);
                assert!(hole.before.1 < block.max(length + 1) && hole.behind.1 < block);
            }
        }
    }
    let inside = hole(100, 200, 4096).unwrap();
    assert_eq!((inside.before, inside.blocks.1, inside.behind.1), ((100, 200), 0, 0));
}

#[test]
fn ranges_that_are_none() {
    assert_eq!(hole(0, 0, 4096), None);
    assert_eq!(hole(0, 1, 0), None);
    assert_eq!(hole(u64::MAX, 1, 4096), None);
    assert_eq!(hole(1 << 63, 1, 4096), None);
    assert_eq!(hole(1, u64::MAX, 4096), None);
}
