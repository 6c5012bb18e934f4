//! Takes bytes apart; zeros follow the last one.

pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let (head, rest) = self.0.split_at(self.0.len().min(N));
        out[..head.len()].copy_from_slice(head);
        self.0 = rest;
        out
    }

    pub(super) fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.bytes())
    }

    pub(super) fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }
}
