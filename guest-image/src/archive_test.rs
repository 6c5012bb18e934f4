#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Digest, FileEntry};

/// An archive of these files, with a manifest that tells of the last.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        put(&mut bytes, name, content.len() as u64, &mut { *content }).unwrap();
    }
    end(&mut bytes).unwrap();
    bytes
}

fn told(content: &[u8]) -> Manifest {
    let entry = FileEntry { size: content.len() as u64, sha256: Digest::of(content) };
    Manifest {
        format: 1,
        recipe: Digest::of(b""),
        arch: "x86_64".into(),
        kernel: String::new(),
        packages: Vec::new(),
        files: [(files::ROOT.to_owned(), entry)].into(),
    }
}

fn read(bytes: &[u8]) -> Result<(), ArchiveError> {
    let mut from = bytes;
    let manifest = Manifest::parse(&manifest(&mut from)?).unwrap();
    rest(&mut from, &manifest, &mut |_| Ok(Box::new(io::sink())))
}

#[test]
fn what_was_written_is_read() {
    for length in [0, 1, 511, 512, 513, 70_000] {
        let root = vec![7; length];
        let manifest = told(&root).to_json().unwrap();
        let bytes = archive(&[("manifest.json", &manifest), ("root.erofs", &root)]);
        assert_eq!(bytes.len() % BLOCK, 0);
        read(&bytes).unwrap();
        // Some tars mark no end.
        read(&bytes[..bytes.len() - 2 * BLOCK]).unwrap();
    }
}

#[test]
fn other_tars_understand_it() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = told(b"root").to_json().unwrap();
    let file = dir.path().join("x.tar");
    std::fs::write(&file, archive(&[("manifest.json", &manifest), ("root.erofs", b"root")]))
        .unwrap();
    let run = |words: &[&str]| {
        let output = std::process::Command::new("tar").args(words).current_dir(dir.path()).output();
        assert!(output.unwrap().status.success(), "tar {words:?}");
    };
    run(&["xf", "x.tar"]);
    assert_eq!(std::fs::read(dir.path().join("root.erofs")).unwrap(), b"root");
    // And the other way round, in each of its own formats.
    for format in ["ustar", "gnu"] {
        run(&["cf", "y.tar", &format!("--format={format}"), "manifest.json", "root.erofs"]);
        read(&std::fs::read(dir.path().join("y.tar")).unwrap()).unwrap();
    }
}

#[test]
fn every_cut_is_noticed() {
    let root = [1; 600];
    let manifest = told(&root).to_json().unwrap();
    let bytes = archive(&[("manifest.json", &manifest), ("root.erofs", &root)]);
    let whole = bytes.len() - 2 * BLOCK;
    for length in (0..whole).step_by(7) {
        assert!(read(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn nothing_but_the_files_of_an_image_is_taken() {
    let root: &[u8] = b"root";
    let manifest = told(root).to_json().unwrap();
    let first = ("manifest.json", manifest.as_slice());
    let error = |files: &[(&str, &[u8])]| read(&archive(files)).unwrap_err().to_string();
    for name in ["../../etc/passwd", "/etc/passwd", "./root.erofs", "extra", "verified.json"] {
        let said = error(&[first, (name, b"x")]);
        assert!(said.contains("which no image has"), "{said}");
    }
    assert!(error(&[("root.erofs", root), first]).contains("begin with manifest.json"));
    assert!(error(&[first, ("root.erofs", root), ("root.erofs", root)]).contains("one too many"));
    assert!(error(&[first, ("vmlinux", b"x")]).contains("one too many"));
    assert!(error(&[first, ("root.erofs", b"longer")]).contains("6 bytes instead of 4"));
    assert!(error(&[first]).contains("root.erofs is not whole"));
    assert!(read(&[0; 4096]).unwrap_err().to_string().contains("no archive"));
    assert!(read(&[b'x'; 4096]).unwrap_err().to_string().contains("no archive"));
}

#[test]
fn links_and_damaged_headers_are_refused() {
    let root: &[u8] = b"root";
    let manifest = told(root).to_json().unwrap();
    let good = archive(&[("manifest.json", &manifest), ("root.erofs", root)]);
    let at = good.len() - 2 * BLOCK - 2 * BLOCK;
    let change = |offset: usize, byte: u8, mend: bool| {
        let mut bytes = good.clone();
        bytes[at + offset] = byte;
        if mend {
            let header: [u8; BLOCK] = bytes[at..at + BLOCK].try_into().unwrap();
            let sum = format!("{:06o}\0 ", checksum(&header));
            bytes[at + 148..at + 156].copy_from_slice(sum.as_bytes());
        }
        read(&bytes).unwrap_err().to_string()
    };
    for kind in *b"123456xg" {
        assert!(change(156, kind, true).contains("no regular file"), "{kind}");
    }
    assert!(change(345, b'p', true).contains("no regular file"));
    assert!(change(130, b'9', true).contains("header"));
    assert!(change(124, 0xff, true).contains("header"));
    assert!(change(124, b'1', false).contains("header"));
}

#[test]
fn sizes_beyond_eight_gibibytes_are_written_as_gnu_does() {
    for size in [0, (1 << 33) - 1, 1 << 33, u64::MAX] {
        assert_eq!(number(&header("root.erofs", size)[124..136]), Some(size));
    }
}
