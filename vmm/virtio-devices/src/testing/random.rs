//! A small generator of repeatable nonsense.

/// xorshift64*: the same seed gives the same bytes everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next_u64() % end as u64).try_into().unwrap()
    }

    /// `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next_u64().to_le_bytes()[0]).collect()
    }

    /// Changes a few bytes of `data`: flips, small and extreme values, copies.
    pub fn mutate(&mut self, data: &mut [u8]) {
        if data.is_empty() {
            return;
        }
        for _ in 0..=self.below(4) {
            let at = self.below(data.len());
            data[at] = match self.below(5) {
                0 => data[at] ^ (1 << self.below(8)),
                1 => data[at].wrapping_add(1),
                2 => 0xff,
                3 => 0,
                _ => data[self.below(data.len())],
            };
        }
    }
}
