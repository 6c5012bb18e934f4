//! A toy device behind a window, and the driver in front of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::registers as reg;
use super::super::status::{ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK};
use super::super::*;
use crate::device::{ActivateError, Activation, ActiveQueue};
use crate::event::Event;
use crate::testing::Driver;

pub(super) const VERSION_1: u64 = 1 << 32;
pub(super) const OFFERED: u64 = VERSION_1 | 1 << 28 | 1 << 29 | 1 << 5;
pub(super) const READY: u32 = ACKNOWLEDGE | DRIVER | FEATURES_OK;
pub(super) const RUNNING: u32 = READY | DRIVER_OK;

/// What the test sees of the toy device.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) running: Mutex<Option<Activation>>,
    pub(super) config: Mutex<Vec<u8>>,
    pub(super) refuses: AtomicBool,
    pub(super) resets: Mutex<u32>,
}

struct Toy(Arc<Seen>);

impl VirtioDevice for Toy {
    fn device_type(&self) -> u32 {
        42
    }

    fn queue_sizes(&self) -> &[u16] {
        &[16, 8]
    }

    fn features(&self) -> u64 {
        OFFERED
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        let config = self.0.config.lock().unwrap();
        for (at, byte) in (offset..).zip(data) {
            *byte = *config.get(at as usize).unwrap_or(&0);
        }
    }

    fn write_config(&mut self, offset: u64, data: &[u8]) {
        let mut config = self.0.config.lock().unwrap();
        for (at, byte) in (offset..).zip(data) {
            if let Some(place) = config.get_mut(at as usize) {
                *place = *byte;
            }
        }
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(ActivateError::MissingQueue(0));
        }
        let before = self.0.running.lock().unwrap().replace(activation);
        assert!(before.is_none(), "activated twice");
        Ok(())
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        *self.0.resets.lock().unwrap() += 1;
        let running = self.0.running.lock().unwrap().take();
        running.map_or_else(Vec::new, |activation| activation.queues)
    }
}

pub(super) struct Bench {
    pub(super) window: MmioTransport,
    pub(super) seen: Arc<Seen>,
    pub(super) irq: Event,
    pub(super) driver: Driver,
}

impl Bench {
    pub(super) fn new() -> Self {
        let seen = Arc::new(Seen::default());
        *seen.config.lock().unwrap() = (1..=12).collect();
        let driver = Driver::new(&[16, 8], OFFERED);
        let irq = Event::new().unwrap();
        let device = Box::new(Toy(seen.clone()));
        let window =
            MmioTransport::new(device, driver.memory.clone(), irq.try_clone().unwrap()).unwrap();
        Self { window, seen, irq, driver }
    }

    /// Brought as far as `status`.
    pub(super) fn at(status: u32) -> Self {
        let mut bench = Self::new();
        let mut now = 0;
        for bit in [ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK] {
            if status & bit == 0 {
                break;
            }
            if bit == FEATURES_OK {
                bench.accept(OFFERED);
            }
            if bit == DRIVER_OK {
                bench.set_up(0);
                bench.set_up(1);
            }
            now |= bit;
            bench.set(reg::STATUS, now);
        }
        assert_eq!(bench.get(reg::STATUS), status);
        bench
    }

    pub(super) fn get(&mut self, offset: u64) -> u32 {
        let mut data = [0xaa; 4];
        self.window.read(offset, &mut data);
        u32::from_le_bytes(data)
    }

    pub(super) fn set(&mut self, offset: u64, value: u32) {
        self.window.write(offset, &value.to_le_bytes());
    }

    pub(super) fn accept(&mut self, features: u64) {
        for select in 0..2 {
            self.set(reg::DRIVER_FEATURES_SEL, select);
            self.set(reg::DRIVER_FEATURES, (features >> (32 * select)) as u32);
        }
    }

    pub(super) fn set_up(&mut self, queue: u16) {
        let ring = &self.driver.rings[usize::from(queue)];
        let (desc, avail, used) = (ring.desc_table, ring.avail_ring, ring.used_ring);
        self.set(reg::QUEUE_SEL, queue.into());
        self.set(reg::QUEUE_SIZE, 8);
        for (register, address) in [
            (reg::QUEUE_DESC_LOW, desc),
            (reg::QUEUE_DRIVER_LOW, avail),
            (reg::QUEUE_DEVICE_LOW, used),
        ] {
            self.set(register, address as u32);
            self.set(register + 4, (address >> 32) as u32);
        }
        self.set(reg::QUEUE_READY, 1);
    }

    pub(super) fn is_running(&self) -> bool {
        self.seen.running.lock().unwrap().is_some()
    }
}
