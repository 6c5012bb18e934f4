#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::Driver;

fn started() -> (Driver, Rng) {
    let driver = Driver::new(&QUEUE_SIZES, features::ALL);
    let mut rng = Rng::new();
    rng.activate(driver.activation()).unwrap();
    (driver, rng)
}

#[test]
fn buffers_are_filled_with_something_else_each_time() {
    let (mut driver, mut rng) = started();
    let first = driver.request(0, &[], &[16, 48]);
    let second = driver.request(0, &[], &[64]);
    assert_eq!((first.written, second.written), (64, 64));
    assert_ne!(first.data, second.data);
    assert_ne!(first.data[..16], [0; 16]);
    assert_eq!(rng.reset().len(), 1);
}

#[test]
fn a_request_gets_at_most_64_kib() {
    let (mut driver, _rng) = started();
    let used = driver.request(0, &[], &[MAX_BYTES + 1, 1 << 20]);
    assert_eq!(used.written, 65536);
    assert!(used.data[MAX_BYTES..].iter().all(|byte| *byte == 0));
}

#[test]
fn odd_requests_get_nothing() {
    let (mut driver, _rng) = started();
    assert_eq!(driver.request(0, &[b"please"], &[]).written, 0);
    assert_eq!(driver.request(0, &[], &[0]).written, 0);
    assert_eq!(driver.request(0, &[b"please"], &[8]).written, 8);
}

#[test]
fn a_buffer_outside_memory_stops_the_device_until_reset() {
    let (mut driver, mut rng) = started();
    driver.rings[0].add(&[(u64::MAX - 7, 8, crate::testing::WRITE)]);
    driver.ring(0);
    driver.interrupt.wait_reset();
    rng.reset();
    let mut driver = Driver::new(&QUEUE_SIZES, features::ALL);
    rng.activate(driver.activation()).unwrap();
    assert_eq!(driver.request(0, &[], &[8]).written, 8);
}

#[test]
fn a_driver_without_queues_is_refused() {
    let mut activation = Driver::new(&QUEUE_SIZES, 0).activation();
    activation.queues.clear();
    let refused = Rng::new().activate(activation);
    assert!(matches!(refused, Err(ActivateError::MissingQueue(0))));
}
