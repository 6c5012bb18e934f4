#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::sample_gguf;

fn parsed(bytes: &[u8]) -> Result<Header, GgufError> {
    read(&mut &*bytes)
}

/// A head of one pair.
fn one(key: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((key.len() as u64).to_le_bytes());
    bytes.extend(key);
    bytes.extend(rest);
    bytes
}

#[test]
fn a_head_is_read_in_any_order_of_keys() {
    for version in [2, 3] {
        let bytes = sample_gguf(
            version,
            &[("other.context_length", 7), ("qwen3.context_length", 40960), ("split.count", 3)],
            &[
                ("general.architecture", "qwen3"),
                ("general.name", "Qwen\u{1b} 3"),
                ("tokenizer.chat_template", "{{}}"),
            ],
        );
        let wanted = Header {
            version,
            tensors: 3,
            architecture: Some("qwen3".into()),
            name: Some("Qwen 3".into()),
            context: Some(40960),
            parts: 3,
            chat_template: true,
        };
        assert_eq!(parsed(&bytes).unwrap(), wanted);
        for end in 0..bytes.len() {
            let error = parsed(&bytes[..end]).unwrap_err();
            let magic = matches!(error, GgufError::Magic(_)) && end < 4;
            assert!(magic || matches!(error, GgufError::Truncated), "cut at {end}: {error}");
        }
    }
    let bare = parsed(&sample_gguf(3, &[], &[])).unwrap();
    assert_eq!((bare.context, bare.parts, bare.chat_template), (None, 1, false));
}

#[test]
fn other_files_are_named() {
    for (start, wanted) in [
        (&b""[..], "it is empty"),
        (b"<!DOCTYPE html>", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        (b"PK\x03\x04\0\0\0\0\0", "it starts with \"PK\\x03\\x04\\x00\\x00\\x00\\x00\""),
    ] {
        let message = parsed(start).unwrap_err().to_string();
        assert!(message.contains("not a GGUF file") && message.contains(wanted), "{message}");
    }
    assert!(matches!(parsed(&sample_gguf(1, &[], &[])), Err(GgufError::Version(1))));
    assert!(matches!(parsed(&sample_gguf(3 << 24, &[], &[])), Err(GgufError::Version(_))));
}

#[test]
fn announced_lengths_are_not_believed() {
    let most = u64::MAX.to_le_bytes();
    let array =
        |kind: u32, count: [u8; 8]| [&9u32.to_le_bytes()[..], &kind.to_le_bytes(), &count].concat();
    let string = [&8u32.to_le_bytes()[..], &most].concat();
    for rest in [
        string.clone(),
        array(0, most),
        array(8, most),
        array(9, most),
        array(10, most),
        array(99, 1u64.to_le_bytes()),
        99u32.to_le_bytes().to_vec(),
    ] {
        assert!(parsed(&one(b"k", &rest)).is_err(), "{rest:?}");
    }
    assert!(parsed(&one(b"general.name", &string)).is_err());
    let mut nested = Vec::new();
    for _ in 0..=DEEPEST {
        nested.extend(array(9, 1u64.to_le_bytes()).split_off(if nested.is_empty() {
            0
        } else {
            4
        }));
    }
    assert!(matches!(parsed(&one(b"k", &nested)), Err(GgufError::Malformed(_))));
    let long = vec![b'k'; 70_000];
    assert!(matches!(parsed(&one(&long, &[0; 8])), Err(GgufError::Malformed(_))));
    let mut pairs = one(b"", b"");
    pairs[16..24].copy_from_slice(&most);
    assert!(matches!(parsed(&pairs), Err(GgufError::Malformed(_))));
}

#[test]
fn values_of_the_wrong_type_say_nothing() {
    let signed = [&5u32.to_le_bytes()[..], &(-1i32).to_le_bytes()].concat();
    assert_eq!(parsed(&one(b"split.count", &signed)).unwrap().parts, 1);
    let float = [&6u32.to_le_bytes()[..], &[0; 4]].concat();
    assert_eq!(parsed(&one(b"general.name", &float)).unwrap().name, None);
}
