#![allow(clippy::unwrap_used)]

use super::*;

/// The same bytes each time: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() % 256).unwrap()
    }

    fn mutated(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..=self.next() % 4 {
            let at = self.next() % bytes.len();
            match self.next() % 4 {
                0 => bytes[at] = self.byte(),
                1 => bytes[at] ^= 1 << (self.next() % 8),
                2 => bytes[at] = 0xff,
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    }
}

#[test]
fn no_input_panics() {
    let valid = sample_gguf(
        3,
        &[("llama.context_length", 8192), ("split.count", 2)],
        &[("general.architecture", "llama"), ("tokenizer.chat_template", "{{ x }}")],
    );
    assert!(gguf::read(&mut valid.as_slice()).is_ok());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..5000 {
        fuzz_gguf(&random.mutated(&valid));
        let mut noise: Vec<u8> = (0..random.next() % 300).map(|_| random.byte()).collect();
        fuzz_gguf(&noise);
        // Noise behind a head that is good.
        noise.splice(0..0, valid[..24].iter().copied());
        fuzz_gguf(&noise);
    }
}
