//! Any archive, read as an import reads it; nothing is written anywhere.

use std::io;

use super::{BLOCK, checksum, manifest, number, padding, rest};
use crate::shelf::Shelf;
use crate::{Digest, FileEntry, Manifest};

/// Bits of the first byte: headers are given the magic and the sum that they should have.
const REPAIRED: u8 = 1;
/// The manifest was read already, and is in order.
const MANIFEST_READ: u8 = 2;

/// Reads an archive from raw bytes behind one of flags.
pub fn fuzz(data: &[u8]) {
    let Some((flags, data)) = data.split_first() else { return };
    let mut data = data.to_vec();
    if flags & REPAIRED != 0 {
        repair(&mut data);
    }
    let mut from = data.as_slice();
    let manifest = if flags & MANIFEST_READ != 0 {
        Some(expected())
    } else {
        manifest(&mut from).ok().and_then(|bytes| Manifest::parse(&bytes).ok())
    };
    if let Some(manifest) = manifest {
        let mut files = 0;
        let _ = rest(&mut from, &manifest, &mut |_| {
            files += 1;
            assert!(files <= manifest.files.len(), "a file twice");
            Ok(Box::new(io::sink()))
        });
    }
}

/// That of all files that an image may have, some of them longer than a block.
fn expected() -> Manifest {
    let sha256 = Digest::of(b"");
    let sizes = (0_u64..).map(|at| at * 300);
    let entries = sizes.map(|size| FileEntry { size, sha256 });
    let files = Shelf::Images.files().map(ToOwned::to_owned).zip(entries).collect();
    let (arch, kernel) = ("x86_64".into(), String::new());
    Manifest { format: 1, recipe: sha256, arch, kernel, packages: Vec::new(), files }
}

/// Up to the end that the archive itself marks.
fn repair(mut data: &mut [u8]) {
    while let Some((block, after)) = data.split_first_chunk_mut::<BLOCK>() {
        if *block == [0; BLOCK] {
            return;
        }
        block[257..262].copy_from_slice(b"ustar");
        let sum = checksum(block);
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = number(&block[124..136]).unwrap_or(0);
        let filled = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(padding(size));
        data = after.get_mut(filled..).unwrap_or_default();
    }
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
