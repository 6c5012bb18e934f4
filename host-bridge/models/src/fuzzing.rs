//! Entry points for fuzzing, and a valid sample to begin from.

use crate::gguf;

/// A small, valid head of a GGUF file, of `version`, with these numeric and text values.
#[must_use]
pub fn sample_gguf(version: u32, numbers: &[(&str, u32)], texts: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(3u64.to_le_bytes());
    bytes.extend((numbers.len() as u64 + texts.len() as u64 + 1).to_le_bytes());
    let string = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    // As vocabularies are: an array of strings.
    string(&mut bytes, "tokenizer.ggml.tokens");
    bytes.extend(9u32.to_le_bytes());
    bytes.extend(8u32.to_le_bytes());
    bytes.extend(2u64.to_le_bytes());
    string(&mut bytes, "a");
    string(&mut bytes, "b");
    for (key, value) in numbers {
        string(&mut bytes, key);
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    for (key, value) in texts {
        string(&mut bytes, key);
        bytes.extend(8u32.to_le_bytes());
        string(&mut bytes, value);
    }
    bytes
}

/// The head of a GGUF file.
pub fn fuzz_gguf(data: &[u8]) {
    let _ = gguf::read(&mut &*data);
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
