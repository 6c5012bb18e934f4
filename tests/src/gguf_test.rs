use super::*;

#[test]
fn the_same_every_time() {
    assert_eq!(tiny(), tiny());
}

#[test]
fn header_and_size() {
    let model = tiny();
    assert_eq!(model[..8], *b"GGUF\x03\0\0\0");
    let tensors = u64::from_le_bytes(model[8..16].try_into().unwrap());
    assert_eq!(tensors, u64::from(3 + 9 * LAYERS));
    assert!((400_000..700_000).contains(&model.len()), "{}", model.len());
}

#[test]
fn every_byte_has_a_token_of_its_own() {
    let words = Vocabulary::new();
    let distinct: std::collections::BTreeSet<_> = words.tokens.iter().collect();
    assert_eq!(distinct.len(), words.tokens.len());
    assert_eq!(visible(b'a'), 'a');
    assert_eq!(visible(0), '\u{100}');
    assert_eq!(visible(b' '), '\u{120}');
    assert_eq!(visible(b'\n'), '\u{10a}');
    assert_eq!(visible(0xad), '\u{143}');
}

#[test]
fn what_may_be_said() {
    let words = Vocabulary::new();
    for token in [u32::from(b'a'), u32::from(b' '), words.end] {
        assert!(words.sayable(token));
    }
    for token in [0, u32::from(b'A'), words.start, words.size() - 1] {
        assert!(!words.sayable(token));
    }
}
