#![allow(clippy::unwrap_used)]

use super::*;

/// A file with one program header of that type, and `text` behind it.
fn sample(kind: u32, text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0u8; 120];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[32] = 64; // table
    bytes[54] = 56; // size of an entry
    bytes[56] = 1; // entries
    bytes[64..68].copy_from_slice(&kind.to_le_bytes());
    bytes[72] = 120; // offset of the text
    bytes[96..104].copy_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text);
    bytes
}

fn looked(name: &str, bytes: &[u8]) -> Program {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    look(&path)
}

#[test]
fn the_loader_is_read() {
    let program = looked("llama-server", &sample(3, b"/lib64/ld-linux-x86-64.so.2\0"));
    assert_eq!(program.loader, Some("/lib64/ld-linux-x86-64.so.2".into()));
    assert_eq!(program.kind, Kind::LlamaServer);
    // Static: no such header.
    assert_eq!(looked("s", &sample(1, b"/lib/ld.so\0")).loader, None);
}

#[test]
fn damage_is_no_loader() {
    for text in [&b"ld.so\0"[..], b"/no/end", b"/", b""] {
        assert_eq!(looked("s", &sample(3, text)).loader, None, "{text:?}");
    }
    let whole = sample(3, b"/lib/ld.so\0");
    for at in 0..whole.len() {
        assert_eq!(looked("s", &whole[..at]).loader, None, "cut at {at}");
        let mut bytes = whole.clone();
        bytes[at] = 0xff;
        // It may still be one; it must not panic.
        let _ = looked("s", &bytes);
    }
}

#[test]
fn llamafiles_are_known_by_name_or_by_their_first_bytes() {
    assert_eq!(looked("x", b"MZqFpD='\n").kind, Kind::Llamafile);
    assert_eq!(looked("x.llamafile", b"").kind, Kind::Llamafile);
    assert_eq!(looked("llamafile", &sample(1, b"")).kind, Kind::Llamafile);
    assert_eq!(looked("x", b"#!/bin/sh\n").kind, Kind::LlamaServer);
    assert_eq!(look(Path::new("/nonexistent")).loader, None);
}
