#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

#[path = "mmio/bench_test.rs"]
mod bench;

use std::sync::atomic::Ordering;

use super::registers as reg;
use super::status::{ACKNOWLEDGE, DRIVER, DRIVER_OK, FAILED, NEEDS_RESET};
use super::*;
use crate::event::Event;
use crate::queue::{QueueError, features};
use crate::testing::Driver;
use bench::{Bench, OFFERED, READY, RUNNING, VERSION_1};

#[test]
fn the_window_says_what_it_is() {
    let mut bench = Bench::new();
    assert_eq!(&bench.get(0).to_le_bytes(), b"virt");
    assert_eq!(bench.get(reg::VERSION), 2);
    assert_eq!(bench.get(reg::DEVICE_ID), 42);
    assert_eq!(bench.get(reg::DEVICE_FEATURES), OFFERED as u32);
    bench.set(reg::DEVICE_FEATURES_SEL, 1);
    assert_eq!(bench.get(reg::DEVICE_FEATURES), (OFFERED >> 32) as u32);
    for select in [2, 3, u32::MAX] {
        bench.set(reg::DEVICE_FEATURES_SEL, select);
        assert_eq!(bench.get(reg::DEVICE_FEATURES), 0);
    }
    for (select, max) in [(0, 16), (1, 8), (2, 0), (u32::MAX, 0)] {
        bench.set(reg::QUEUE_SEL, select);
        assert_eq!(bench.get(reg::QUEUE_SIZE_MAX), max);
    }
    bench.set(reg::SHM_SEL, 1);
    for register in [0xb0, 0xb4, 0xb8, 0xbc] {
        assert_eq!(bench.get(register), u32::MAX, "no shared memory");
    }
    assert_eq!(bench.window.first_refusal(), None);
}

#[test]
fn every_status_step_is_in_the_table() {
    let steps = [0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER, READY, RUNNING];
    for (at, now) in steps.into_iter().enumerate() {
        for written in 0..=255_u32 {
            let mut bench = Bench::at(now);
            if now == ACKNOWLEDGE | DRIVER {
                bench.accept(OFFERED);
            }
            bench.set(reg::STATUS, written);
            let asked = written & !NEEDS_RESET;
            let expected = match asked {
                _ if written == 0 => 0,
                _ if steps.get(at + 1) == Some(&asked) => asked,
                _ if now != 0 && asked == now | FAILED => asked,
                _ => now,
            };
            assert_eq!(bench.get(reg::STATUS), expected, "{now:#x} {written:#x}");
            let runs = expected & DRIVER_OK != 0;
            assert_eq!(bench.is_running(), runs, "{now:#x} {written:#x}");
        }
    }
}

#[test]
fn failed_stays_until_reset() {
    let mut bench = Bench::at(ACKNOWLEDGE | DRIVER);
    bench.accept(OFFERED);
    bench.set(reg::STATUS, ACKNOWLEDGE | DRIVER | FAILED);
    for written in 1..=255 {
        bench.set(reg::STATUS, written);
        assert_eq!(bench.get(reg::STATUS), ACKNOWLEDGE | DRIVER | FAILED);
    }
    bench.set(reg::STATUS, 0);
    assert_eq!(bench.get(reg::STATUS), 0);
}

#[test]
fn features_are_a_subset_with_version_1() {
    for (features, fine) in [
        (OFFERED, true),
        (VERSION_1, true),
        (OFFERED & !VERSION_1, false),
        (0, false),
        (VERSION_1 | 1, false),
        (VERSION_1 | 1 << 63, false),
    ] {
        let mut bench = Bench::at(ACKNOWLEDGE | DRIVER);
        bench.accept(features);
        bench.set(reg::STATUS, READY);
        assert_eq!(bench.get(reg::STATUS) == READY, fine, "{features:#x}");
        bench.set_up(0);
        bench.set(reg::STATUS, RUNNING);
        assert_eq!(bench.is_running(), fine);
        if let Some(activation) = &*bench.seen.running.lock().unwrap() {
            assert_eq!(activation.features, features);
        }
    }
    let mut bench = Bench::at(ACKNOWLEDGE | DRIVER);
    bench.accept(OFFERED);
    for select in [2, 3, 4, u32::MAX] {
        bench.set(reg::DRIVER_FEATURES_SEL, select);
        bench.set(reg::DRIVER_FEATURES, 0);
        bench.set(reg::DRIVER_FEATURES, 1);
    }
    bench.set(reg::STATUS, READY);
    assert_eq!(bench.get(reg::STATUS), ACKNOWLEDGE | DRIVER);
    assert!(matches!(bench.window.first_refusal(), Some(Refusal::Features { .. })));
}

#[test]
fn features_are_chosen_between_driver_and_features_ok() {
    let mut early = Bench::at(ACKNOWLEDGE);
    early.accept(OFFERED);
    early.set(reg::STATUS, ACKNOWLEDGE | DRIVER);
    early.set(reg::STATUS, READY);
    assert_eq!(early.get(reg::STATUS), ACKNOWLEDGE | DRIVER, "none were taken");
    let mut late = Bench::at(READY);
    late.accept(VERSION_1);
    late.set_up(0);
    late.set(reg::STATUS, RUNNING);
    let running = late.seen.running.lock().unwrap();
    assert_eq!(running.as_ref().unwrap().features, OFFERED);
}

#[test]
fn queues_are_set_up_between_features_ok_and_driver_ok() {
    for status in [0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER] {
        let mut bench = Bench::at(status);
        bench.set_up(0);
        assert_eq!(bench.get(reg::QUEUE_READY), 0);
        let refusal = bench.window.first_refusal();
        assert!(matches!(refusal, Some(Refusal::Status { .. })));
    }
    let mut failed = Bench::at(READY);
    failed.set(reg::STATUS, READY | FAILED);
    failed.set_up(0);
    assert_eq!(failed.get(reg::QUEUE_READY), 0);

    // The cause of CVE-2026-5747: a running device's queue must not change.
    let mut running = Bench::at(RUNNING);
    let layout = |bench: &Bench| {
        let running = bench.seen.running.lock().unwrap();
        let queue = &running.as_ref().unwrap().queues[0].queue;
        (queue.size(), queue.desc_table(), queue.ready())
    };
    let before = layout(&running);
    running.set(reg::QUEUE_SEL, 0);
    running.set(reg::QUEUE_READY, 0);
    running.set(reg::QUEUE_SIZE, 16);
    running.set(reg::QUEUE_DESC_LOW, 0xdead_0000);
    assert_eq!(running.get(reg::QUEUE_READY), 1);
    assert_eq!(layout(&running), before);
}

#[test]
fn a_ready_queue_is_closed() {
    let mut bench = Bench::at(READY);
    bench.set_up(0);
    bench.set(reg::QUEUE_DESC_LOW, 0x7000);
    bench.set(reg::QUEUE_SIZE, 4);
    bench.set(reg::STATUS, RUNNING);
    let running = bench.seen.running.lock().unwrap();
    let queue = &running.as_ref().unwrap().queues[0].queue;
    let desc_table = bench.driver.rings[0].desc_table;
    assert_eq!((queue.size(), queue.desc_table()), (8, desc_table));
}

#[test]
fn sizes_that_do_not_do_are_not_taken() {
    let mut bench = Bench::at(READY);
    bench.set_up(0);
    bench.set(reg::QUEUE_READY, 0);
    for size in [0, 3, 32, 0x1_0008, u32::MAX] {
        bench.set(reg::QUEUE_SIZE, size);
    }
    bench.set(reg::QUEUE_READY, 1);
    bench.set(reg::STATUS, RUNNING);
    let running = bench.seen.running.lock().unwrap();
    assert_eq!(running.as_ref().unwrap().queues[0].queue.size(), 8);
}

#[test]
fn only_ready_queues_reach_the_device() {
    let mut bench = Bench::at(READY);
    bench.set_up(1);
    bench.set(reg::STATUS, RUNNING);
    let running = bench.seen.running.lock().unwrap();
    let queues = &running.as_ref().unwrap().queues;
    assert_eq!(queues.len(), 1);
    assert_eq!(queues[0].index, 1);
}

#[test]
fn a_queue_that_does_not_hold_needs_a_reset() {
    let mut bench = Bench::at(READY);
    bench.set_up(0);
    bench.set(reg::QUEUE_READY, 0);
    bench.set(reg::QUEUE_DEVICE_HIGH, 0xffff_ffff);
    bench.set(reg::QUEUE_READY, 1);
    bench.set(reg::STATUS, RUNNING);
    assert!(!bench.is_running());
    assert_eq!(bench.get(reg::STATUS), RUNNING | NEEDS_RESET);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 2);
    assert_eq!(bench.irq.take().unwrap(), 1);
    assert!(bench.window.needs_reset());
    assert!(matches!(
        bench.window.take_failure(),
        Some(StartError::Queue { index: 0, source: QueueError::TableOutside { .. } })
    ));
    bench.set(reg::STATUS, 0);
    assert_eq!((bench.get(reg::STATUS), bench.get(reg::INTERRUPT_STATUS)), (0, 0));
}

#[test]
fn a_device_that_refuses_needs_a_reset() {
    let mut bench = Bench::at(READY);
    bench.seen.refuses.store(true, Ordering::SeqCst);
    bench.set_up(0);
    bench.set(reg::STATUS, RUNNING);
    assert_eq!(bench.get(reg::STATUS), RUNNING | NEEDS_RESET);
    let failure = bench.window.take_failure();
    assert!(matches!(failure, Some(StartError::Device(_))));
}

#[test]
fn doorbells_ring_while_the_device_runs() {
    let mut bench = Bench::at(READY);
    let bells = bench.window.doorbells().iter();
    let bells: Vec<_> = bells.map(|bell| bell.try_clone().unwrap()).collect();
    bench.set(QUEUE_NOTIFY, 0);
    assert!(bells[0].take().is_err(), "too early");
    bench.set_up(0);
    bench.set(reg::STATUS, RUNNING);
    assert_eq!(bells[0].take().unwrap(), 1, "rung once at the start");
    assert!(bells[1].take().is_err(), "not set up");
    bench.set(QUEUE_NOTIFY, 1);
    assert_eq!(bells[1].take().unwrap(), 1);
    for queue in [2, 0x1_0000, u32::MAX] {
        bench.set(QUEUE_NOTIFY, queue);
    }
    assert!(bells.iter().all(|bell| bell.take().is_err()));
}

#[test]
fn interrupts_are_edges_with_a_cause() {
    let mut bench = Bench::at(RUNNING);
    let interrupt = {
        let running = bench.seen.running.lock().unwrap();
        running.as_ref().unwrap().interrupt.clone()
    };
    interrupt.queue(0);
    interrupt.queue(1);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 1);
    assert_eq!(bench.irq.take().unwrap(), 2);
    interrupt.config();
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 3);
    bench.set(reg::INTERRUPT_ACK, 1);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 2);
    bench.set(reg::INTERRUPT_ACK, u32::MAX);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 0);
    interrupt.needs_reset();
    interrupt.needs_reset();
    assert_eq!(bench.get(reg::STATUS), RUNNING | NEEDS_RESET);
    assert_eq!(bench.irq.take().unwrap(), 2, "the change, and one reset");
    bench.set(reg::STATUS, 0);
    assert_eq!(bench.get(reg::STATUS), 0);
}

#[test]
fn another_process_may_raise_the_interrupt() {
    let mut bench = Bench::at(RUNNING);
    let interrupt = {
        let running = bench.seen.running.lock().unwrap();
        running.as_ref().unwrap().interrupt.clone()
    };
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 0);
    interrupt.queue_event(0).unwrap().signal().unwrap();
    assert_eq!(bench.irq.take().unwrap(), 1);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 1);
    bench.set(reg::INTERRUPT_ACK, 1);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 1, "always may be");
    bench.set(reg::STATUS, 0);
    assert_eq!(bench.get(reg::INTERRUPT_STATUS), 0);
}

#[test]
fn a_reset_device_starts_again_from_nothing() {
    let mut bench = Bench::at(RUNNING);
    bench.set(reg::STATUS, 0);
    assert!(!bench.is_running());
    assert_eq!(*bench.seen.resets.lock().unwrap(), 1);
    bench.set(reg::QUEUE_SEL, 0);
    assert_eq!(bench.get(reg::QUEUE_READY), 0);
    bench.set(reg::STATUS, ACKNOWLEDGE);
    bench.set(reg::STATUS, ACKNOWLEDGE | DRIVER);
    bench.set(reg::STATUS, READY);
    assert_eq!(bench.get(reg::STATUS), ACKNOWLEDGE | DRIVER, "features are gone");
    bench.accept(OFFERED);
    bench.set(reg::STATUS, READY);
    bench.set_up(0);
    bench.set(reg::STATUS, RUNNING);
    assert!(bench.is_running());
    bench.window.stop();
    assert!(!bench.is_running());
}

#[test]
fn configuration_space_ends_where_it_ends() {
    let mut bench = Bench::at(ACKNOWLEDGE | DRIVER);
    let mut data = [0xaa; 8];
    bench.window.read(reg::CONFIG + 2, &mut data[..1]);
    bench.window.read(reg::CONFIG + 10, &mut data[1..]);
    assert_eq!(data, [3, 11, 12, 0, 0, 0, 0, 0]);
    bench.window.write(reg::CONFIG + 11, &[0x55, 0x66]);
    assert_eq!(bench.seen.config.lock().unwrap()[11], 0x55);
    for offset in [WINDOW_SIZE - 2, WINDOW_SIZE, u64::MAX - 1, u64::MAX] {
        let mut data = [0xaa; 4];
        bench.window.read(offset, &mut data);
        assert_eq!(data, [0; 4]);
        bench.window.write(offset, &[1; 4]);
    }
    bench.set(reg::STATUS, ACKNOWLEDGE | DRIVER | FAILED);
    bench.window.write(reg::CONFIG, &[0x77]);
    assert_eq!(bench.seen.config.lock().unwrap()[0], 1);
}

#[test]
fn the_generation_shows_a_change() {
    let mut bench = Bench::at(RUNNING);
    let first = bench.get(reg::CONFIG_GENERATION);
    assert_eq!(bench.get(reg::CONFIG_GENERATION), first);
    bench.seen.config.lock().unwrap()[3] = 99;
    let second = bench.get(reg::CONFIG_GENERATION);
    assert_ne!(first, second);
    let running = bench.seen.running.lock().unwrap();
    running.as_ref().unwrap().interrupt.config();
    drop(running);
    assert_ne!(bench.get(reg::CONFIG_GENERATION), second);
}

#[test]
fn odd_accesses_do_nothing_and_the_first_is_kept() {
    let mut bench = Bench::at(READY);
    for offset in (0..reg::CONFIG).filter(|offset| offset % 4 != 0) {
        assert_eq!(bench.get(offset), 0);
        bench.set(offset, u32::MAX);
    }
    for length in [0, 1, 2, 3, 5, 8, 64] {
        let mut data = vec![0xaa; length];
        bench.window.read(reg::STATUS, &mut data);
        assert_eq!(data, vec![0; length]);
        bench.window.write(reg::STATUS, &data);
    }
    for offset in [0, 4, 8, 0xc, 0x10, 0x1c, 0x34, 0x48, 0x60, 0xb0, 0xc0, 0xc4, 0xfc] {
        bench.set(offset, 0);
    }
    assert_eq!(bench.get(reg::STATUS), READY);
    let refusal = bench.window.first_refusal().unwrap();
    let first = Refusal::Register { offset: 1, write: false };
    assert_eq!(refusal, first);
    assert_eq!(refusal.to_string(), "read of register 0x1, which there is not");
}

/// The window in front of a real device, its thread and all.
#[test]
fn a_real_device_answers_breaks_and_starts_again() {
    let mut driver = Driver::new(&[64], features::ALL);
    let irq = Event::new_blocking().unwrap();
    let rng = Box::new(crate::rng::Rng::new());
    let window = MmioTransport::new(rng, driver.memory.clone(), irq.try_clone().unwrap());
    let mut window = window.unwrap();
    let write = |window: &mut MmioTransport, offset: u64, value: u32| {
        window.write(offset, &value.to_le_bytes());
    };
    let read = |window: &mut MmioTransport, offset| {
        let mut data = [0; 4];
        window.read(offset, &mut data);
        u32::from_le_bytes(data)
    };
    for _ in 0..3 {
        for status in [0, ACKNOWLEDGE, ACKNOWLEDGE | DRIVER] {
            write(&mut window, reg::STATUS, status);
        }
        for select in 0..2 {
            write(&mut window, reg::DRIVER_FEATURES_SEL, select);
            let half = (features::ALL >> (32 * select)) as u32;
            write(&mut window, reg::DRIVER_FEATURES, half);
        }
        write(&mut window, reg::STATUS, READY);
        let ring = &driver.rings[0];
        let (desc, avail, used) = (ring.desc_table, ring.avail_ring, ring.used_ring);
        write(&mut window, reg::QUEUE_DESC_LOW, desc as u32);
        write(&mut window, reg::QUEUE_DRIVER_LOW, avail as u32);
        write(&mut window, reg::QUEUE_DEVICE_LOW, used as u32);
        write(&mut window, reg::QUEUE_READY, 1);
        write(&mut window, reg::STATUS, RUNNING);

        driver.add(0, &[], &[32]);
        write(&mut window, QUEUE_NOTIFY, 0);
        assert_eq!(irq.take().unwrap(), 1, "waits for the interrupt");
        assert_eq!(read(&mut window, reg::INTERRUPT_STATUS), 1);
        write(&mut window, reg::INTERRUPT_ACK, 1);
        assert_eq!(driver.used(0).unwrap().written, 32);

        driver.rings[0].set_available(9999);
        write(&mut window, QUEUE_NOTIFY, 0);
        assert_eq!(irq.take().unwrap(), 1, "waits for the device to break");
        assert_eq!(read(&mut window, reg::STATUS), RUNNING | NEEDS_RESET);
        assert_eq!(read(&mut window, reg::INTERRUPT_STATUS), 2);
        write(&mut window, reg::STATUS, 0);
        driver = Driver::with_memory(driver.memory.clone(), &[64], features::ALL);
        driver.rings[0].clear();
    }
}
