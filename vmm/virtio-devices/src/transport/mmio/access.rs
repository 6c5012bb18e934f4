//! Reads and writes of the window.

use super::MmioTransport;
use super::refusal::Refusal;
use super::registers as reg;
use super::status::NEEDS_RESET;

impl MmioTransport {
    /// Reads `data.len()` bytes at `offset` of the window. What is not there reads as zero.
    pub fn read(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let Some(at) = config_offset(offset, data.len()) {
            self.device.read_config(at, data);
            return;
        }
        let length = data.len();
        let Ok(out) = <&mut [u8; 4]>::try_from(data) else {
            return self.refuse(Refusal::Width { offset, length });
        };
        match self.read_register(offset) {
            Some(value) => *out = value.to_le_bytes(),
            None => self.refuse(Refusal::Register { offset, write: false }),
        }
    }

    /// Writes `data` at `offset` of the window. What the status does not allow, and what is not
    /// there, has no effect.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if let Some(at) = config_offset(offset, data.len()) {
            if self.status.takes_config() {
                self.device.write_config(at, data);
            } else {
                self.refuse_now(offset);
            }
            return;
        }
        let Ok(data) = <[u8; 4]>::try_from(data) else {
            let length = data.len();
            return self.refuse(Refusal::Width { offset, length });
        };
        self.write_register(offset, u32::from_le_bytes(data));
    }

    fn read_register(&mut self, offset: u64) -> Option<u32> {
        let queue = self.selected().and_then(|index| self.queues.get(index));
        Some(match offset {
            reg::MAGIC_VALUE => reg::MAGIC,
            reg::VERSION => reg::MODERN,
            reg::DEVICE_ID => self.device.device_type(),
            reg::VENDOR_ID => reg::VENDOR,
            reg::DEVICE_FEATURES => half(self.device.features(), self.features_select),
            reg::QUEUE_SIZE_MAX => queue.map_or(0, |queue| queue.max_size.into()),
            reg::QUEUE_READY => queue.is_some_and(|queue| queue.ready).into(),
            reg::INTERRUPT_STATUS => self.interrupt.status(),
            reg::STATUS => {
                let broken = u32::from(self.interrupt.is_broken());
                self.status.bits() | (broken * NEEDS_RESET)
            }
            reg::SHM_LEN_LOW | reg::SHM_LEN_HIGH | reg::SHM_BASE_LOW | reg::SHM_BASE_HIGH => {
                reg::NO_SHARED_MEMORY
            }
            // `VIRTIO_F_RING_RESET` is not offered.
            reg::QUEUE_RESET => 0,
            reg::CONFIG_GENERATION => self.config_generation(),
            _ => return None,
        })
    }

    fn write_register(&mut self, offset: u64, value: u32) {
        match offset {
            reg::DEVICE_FEATURES_SEL => self.features_select = value,
            reg::DRIVER_FEATURES_SEL => self.driver_features_select = value,
            reg::DRIVER_FEATURES if self.status.takes_features() => {
                self.accept(self.driver_features_select, value);
            }
            reg::QUEUE_SEL => self.queue_select = value,
            reg::QUEUE_SIZE
            | reg::QUEUE_READY
            | reg::QUEUE_DESC_LOW
            | reg::QUEUE_DESC_HIGH
            | reg::QUEUE_DRIVER_LOW
            | reg::QUEUE_DRIVER_HIGH
            | reg::QUEUE_DEVICE_LOW
            | reg::QUEUE_DEVICE_HIGH
                if self.status.takes_queues() =>
            {
                let selected = self.selected();
                let queue = selected.and_then(|index| self.queues.get_mut(index));
                if !queue.is_some_and(|queue| queue.write(offset, value)) {
                    self.refuse(Refusal::Value { offset, value });
                }
            }
            reg::QUEUE_NOTIFY if self.status.takes_notifications() => self.notify(value),
            reg::INTERRUPT_ACK => self.interrupt.acknowledge(value),
            reg::STATUS => self.write_status(value),
            // No region to select.
            reg::SHM_SEL => {}
            reg::DRIVER_FEATURES
            | reg::QUEUE_SIZE
            | reg::QUEUE_READY
            | reg::QUEUE_DESC_LOW..=reg::QUEUE_DEVICE_HIGH
            | reg::QUEUE_NOTIFY
                if offset % 4 == 0 =>
            {
                self.refuse_now(offset);
            }
            _ => self.refuse(Refusal::Register { offset, write: true }),
        }
    }

    /// Notes which features the driver accepts; what is wrong with them is said when it says
    /// `FEATURES_OK`.
    fn accept(&mut self, select: u32, value: u32) {
        // Features above bit 127 do not exist. One that is accepted all the same is kept where
        // none is offered, so that the check fails.
        let select = select.min(3);
        let shift = 32 * select;
        let others = self.driver_features & !(0xffff_ffff << shift);
        self.driver_features = others | (u128::from(value) << shift);
    }

    fn notify(&mut self, value: u32) {
        let index = usize::try_from(value).ok();
        let Some(doorbell) = index.and_then(|index| self.doorbells.get(index)) else {
            let offset = reg::QUEUE_NOTIFY;
            return self.refuse(Refusal::Value { offset, value });
        };
        // Fails only where the event is signalled already.
        let _ = doorbell.signal();
    }

    /// Changes whenever configuration space does, between two reads of this register
    /// (virtio 1.3, 2.5.1): compares, so that no device has to announce a change beforehand.
    fn config_generation(&mut self) -> u32 {
        let mut now = [0; reg::CONFIG_SNAPSHOT];
        self.device.read_config(0, &mut now);
        if now != self.config_seen {
            self.config_seen = now;
            self.interrupt.next_generation();
        }
        self.interrupt.generation()
    }

    fn selected(&self) -> Option<usize> {
        usize::try_from(self.queue_select).ok()
    }

    fn refuse_now(&mut self, offset: u64) {
        let status = self.status.bits();
        self.refuse(Refusal::Status { offset, status });
    }
}

/// Where an access lies in configuration space, if it lies there entirely.
fn config_offset(offset: u64, length: usize) -> Option<u64> {
    let at = offset.checked_sub(reg::CONFIG)?;
    let end = offset.checked_add(u64::try_from(length).ok()?)?;
    (end <= reg::WINDOW_SIZE).then_some(at)
}

/// Bits `32 * select` to `32 * select + 31`.
fn half(features: u64, select: u32) -> u32 {
    let shifted = features.checked_shr(select.saturating_mul(32)).unwrap_or(0);
    u32::try_from(shifted & 0xffff_ffff).unwrap_or(0)
}
