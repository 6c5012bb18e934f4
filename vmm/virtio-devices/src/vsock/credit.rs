//! How much each side may send (virtio 1.3, 5.10.6.3). All counters run modulo 2³².

/// What the device may send to the guest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ToGuest {
    sent: u32,
    buf_alloc: u32,
    fwd_cnt: u32,
}

impl ToGuest {
    /// Takes in what the guest says in each of its headers. It may say anything.
    pub(super) fn told(&mut self, buf_alloc: u32, fwd_cnt: u32) {
        self.buf_alloc = buf_alloc;
        self.fwd_cnt = fwd_cnt;
    }

    /// Bytes that the guest has room for. None where it shrank its buffer below what it holds,
    /// or claims to have read what was never sent.
    pub(super) fn room(&self) -> u32 {
        let held = self.sent.wrapping_sub(self.fwd_cnt);
        self.buf_alloc.saturating_sub(held)
    }

    /// Counts `bytes` as sent.
    pub(super) fn send(&mut self, bytes: u32) {
        self.sent = self.sent.wrapping_add(bytes);
    }
}

/// What the guest may send to the device.
#[derive(Debug, Clone, Copy)]
pub(super) struct FromGuest {
    window: u32,
    received: u32,
    forwarded: u32,
    /// `forwarded` as the guest last heard it.
    told: u32,
}

impl FromGuest {
    pub(super) fn new(window: u32) -> Self {
        Self { window, received: 0, forwarded: 0, told: 0 }
    }

    /// Counts `bytes` as received; false when the guest had no room for them.
    #[must_use]
    pub(super) fn receive(&mut self, bytes: u32) -> bool {
        let held = self.received.wrapping_sub(self.forwarded);
        if bytes > self.window.saturating_sub(held) {
            return false;
        }
        self.received = self.received.wrapping_add(bytes);
        true
    }

    /// Counts `bytes` as passed on or given up.
    pub(super) fn forward(&mut self, bytes: u32) {
        self.forwarded = self.forwarded.wrapping_add(bytes);
    }

    /// Whether the guest is worth a packet of its own: it believes that less than half of the
    /// window is left, and there is more.
    pub(super) fn update_due(&self) -> bool {
        let believed = self.received.wrapping_sub(self.told);
        self.told != self.forwarded && believed > self.window / 2
    }

    /// `buf_alloc` and `fwd_cnt` for a header that is about to go out.
    pub(super) fn tell(&mut self) -> (u32, u32) {
        self.told = self.forwarded;
        (self.window, self.forwarded)
    }
}

#[cfg(test)]
#[path = "credit_test.rs"]
mod tests;
