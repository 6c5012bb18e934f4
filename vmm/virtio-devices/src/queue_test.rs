#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::testing::{Driver, INDIRECT, MEMORY_SIZE, NEXT, WRITE};

const F_INDIRECT_DESC: u64 = 1 << 28;
const F_EVENT_IDX: u64 = 1 << 29;

/// What the first pop says when `prepare` has laid out the descriptors from index 0.
fn pop_of(features: u64, prepare: impl FnOnce(&mut Driver)) -> Result<Option<Chain>, QueueError> {
    let mut driver = Driver::new(&[8], features);
    prepare(&mut driver);
    driver.rings[0].publish(0);
    let mut queue = driver.queue(0);
    let result = queue.pop(&driver.memory);
    if let Err(error) = result {
        driver.rings[0].describe(0, 0x10_0000, 4, 0, 0);
        assert_eq!(queue.pop(&driver.memory), Err(error), "broken for good");
        assert_eq!(queue.push(&driver.memory, 0, 0), Err(error));
        assert_eq!(queue.should_interrupt(&driver.memory), Err(error));
        assert_eq!(queue.enable_notifications(&driver.memory), Err(error));
        assert_eq!(queue.broken(), Some(error));
        queue.reset();
        assert_eq!(queue.broken(), None);
    }
    result
}

#[test]
fn sizes_are_powers_of_two_up_to_the_maximum() {
    assert_eq!(Queue::new(0).max_size(), 1);
    assert_eq!(Queue::new(100).max_size(), 64);
    assert_eq!(Queue::new(u16::MAX).max_size(), MAX_SIZE);
    let driver = Driver::new(&[8], 0);
    for size in [0, 3, 7, 16, 32768, 65535] {
        let mut queue = driver.queue(0);
        queue.set_size(size);
        let error = QueueError::Size { size, max: 8 };
        assert_eq!(queue.validate(&driver.memory), Err(error));
        assert_eq!(queue.pop(&driver.memory), Err(error));
    }
    for size in [1, 2, 4, 8] {
        let mut queue = driver.queue(0);
        queue.set_size(size);
        assert_eq!(queue.validate(&driver.memory), Ok(()));
    }
}

#[test]
fn tables_are_aligned_and_inside_memory() {
    let driver = Driver::new(&[8], 0);
    let memory = &driver.memory;
    let check = |change: &dyn Fn(&mut Queue)| {
        let mut queue = driver.queue(0);
        change(&mut queue);
        assert_eq!(queue.validate(memory), queue.pop(memory).map(|_| ()));
        queue.validate(memory)
    };
    let misaligned = |result| matches!(result, Err(QueueError::Misaligned { .. }));
    let outside = |result| matches!(result, Err(QueueError::TableOutside { .. }));
    let end = MEMORY_SIZE as u64;
    assert!(misaligned(check(&|queue| queue.set_desc_table(0x1008))));
    assert!(misaligned(check(&|queue| queue.set_avail_ring(0x1001))));
    assert!(misaligned(check(&|queue| queue.set_used_ring(0x1002))));
    assert_eq!(check(&|queue| queue.set_desc_table(end - 128)), Ok(()));
    assert!(outside(check(&|queue| queue.set_desc_table(end - 112))));
    assert_eq!(check(&|queue| queue.set_avail_ring(end - 22)), Ok(()));
    assert!(outside(check(&|queue| queue.set_avail_ring(end - 20))));
    assert_eq!(check(&|queue| queue.set_used_ring(end - 72)), Ok(()));
    assert!(outside(check(&|queue| queue.set_used_ring(end - 68))));
    assert!(outside(check(&|queue| queue.set_desc_table(u64::MAX - 15))));
    assert!(outside(check(&|queue| queue.set_used_ring(1 << 40))));
    let unready = check(&|queue| queue.set_ready(false));
    assert_eq!(unready, Err(QueueError::NotReady));
}

#[test]
fn a_table_may_not_span_two_regions() {
    let half = 1 << 20;
    let regions = [(GuestAddress(0), half), (GuestAddress(half as u64), half)];
    let memory = Memory::from_ranges(&regions).unwrap();
    let driver = Driver::new(&[8], 0);
    let mut queue = driver.queue(0);
    assert_eq!(queue.validate(&memory), Ok(()));
    queue.set_desc_table(half as u64 - 64);
    assert!(matches!(
        queue.validate(&memory),
        Err(QueueError::TableOutside { table: Table::Descriptors, .. })
    ));
}

#[test]
fn an_empty_queue_has_nothing() {
    let driver = Driver::new(&[8], 0);
    assert_eq!(driver.queue(0).pop(&driver.memory), Ok(None));
}

#[test]
fn more_available_chains_than_descriptors_break_the_queue() {
    let mut driver = Driver::new(&[8], 0);
    driver.rings[0].describe(0, 0x10_0000, 4, 0, 0);
    driver.rings[0].set_available(8);
    assert!(driver.queue(0).pop(&driver.memory).unwrap().is_some());
    for pending in [9, 0x8000, 0xffff] {
        driver.rings[0].set_available(pending);
        assert_eq!(
            driver.queue(0).pop(&driver.memory),
            Err(QueueError::TooManyAvailable { pending, size: 8 })
        );
    }
}

#[test]
fn positions_wrap() {
    let mut driver = Driver::new(&[8], 0);
    let mut queue = driver.queue(0);
    queue.set_next_avail(0xffff);
    queue.set_next_used(0xffff);
    driver.rings[0].describe(7, 0x10_0000, 4, 0, 0);
    driver.rings[0].set_available(0xffff);
    driver.rings[0].publish(7);
    assert_eq!(queue.pop(&driver.memory).unwrap().unwrap().head(), 7);
    assert_eq!(queue.next_avail(), 0);
    queue.push(&driver.memory, 7, 0).unwrap();
    assert_eq!((queue.next_used(), driver.rings[0].used_index()), (0, 0));
    assert_eq!(queue.published_used(&driver.memory), Ok(0));
}

#[test]
fn indices_stay_inside_the_table() {
    let mut driver = Driver::new(&[8], 0);
    driver.rings[0].publish(8);
    let index = |index, size| Err(QueueError::Index { index, size });
    assert_eq!(driver.queue(0).pop(&driver.memory), index(8, 8));
    let result = pop_of(0, |driver| {
        driver.rings[0].describe(0, 0x10_0000, 4, NEXT, 65535);
    });
    assert_eq!(result, index(65535, 8));
    let mut queue = Driver::new(&[8], 0).queue(0);
    let ours = queue.push(&driver.memory, 8, 0);
    assert_eq!(ours, Err(QueueError::NotOurs { head: 8 }));
}

#[test]
fn loops_end_and_full_chains_pass() {
    let result = pop_of(0, |driver| {
        driver.rings[0].describe(0, 0x10_0000, 4, NEXT, 1);
        driver.rings[0].describe(1, 0x10_0000, 4, NEXT, 0);
    });
    assert_eq!(result, Err(QueueError::ChainTooLong { head: 0 }));
    let chain = pop_of(0, |driver| {
        for index in 0..8 {
            let next = if index < 7 { NEXT } else { 0 };
            driver.rings[0].describe(index, 0x10_0000, 4, next, index + 1);
        }
    });
    assert_eq!(chain.unwrap().unwrap().readable_len(), 32);
}

#[test]
fn readable_buffers_come_first() {
    let result = pop_of(0, |driver| {
        driver.rings[0].describe(0, 0x10_0000, 4, WRITE | NEXT, 1);
        driver.rings[0].describe(1, 0x10_0000, 4, 0, 0);
    });
    assert_eq!(result, Err(QueueError::ReadableAfterWritable { head: 0 }));
}

#[test]
fn a_chain_is_below_four_gigabytes() {
    let chain_of = |second: u32, flags: u16| {
        pop_of(0, |driver| {
            driver.rings[0].describe(0, 0, u32::MAX, NEXT, 1);
            driver.rings[0].describe(1, 0, second, flags, 0);
        })
    };
    let most = u32::MAX as usize;
    assert_eq!(chain_of(0, 0).unwrap().unwrap().readable_len(), most);
    let error = Err(QueueError::TooManyBytes { head: 0 });
    assert_eq!(chain_of(1, 0), error);
    assert_eq!(chain_of(1, WRITE), error);
}

#[test]
fn buffers_of_no_length_carry_nothing() {
    let chain = pop_of(0, |driver| {
        driver.rings[0].describe(0, u64::MAX, 0, NEXT, 1);
        driver.rings[0].describe(1, 0x10_0000, 4, NEXT, 2);
        driver.rings[0].describe(2, 1 << 50, 0, WRITE, 0);
    });
    let chain = chain.unwrap().unwrap();
    let memory = crate::testing::memory(MEMORY_SIZE);
    assert_eq!(chain.reader(&memory).unwrap().remaining(), 4);
    assert_eq!(chain.writer(&memory).unwrap().remaining(), 0);
}

#[test]
fn buffers_lie_in_guest_memory() {
    let end = MEMORY_SIZE as u64;
    let memory = crate::testing::memory(MEMORY_SIZE);
    for (address, length) in
        [(end - 3, 4), (end, 1), (u64::MAX, 1), (u64::MAX - 3, 8), (1 << 40, 9)]
    {
        for flags in [0, WRITE] {
            let chain = pop_of(0, |driver| {
                driver.rings[0].describe(0, address, length, flags, 0);
            });
            let chain = chain.unwrap().unwrap();
            let error = Some(QueueError::BufferOutside { address, length });
            if flags == 0 {
                assert_eq!(chain.reader(&memory).err(), error);
                assert!(chain.writer(&memory).is_ok());
            } else {
                assert_eq!(chain.writer(&memory).err(), error);
            }
        }
    }
}

/// Descriptor 0 refers to a table of `length` bytes, whose first entry has `flags` and `next`.
fn indirect_of(length: u32, own: u16, flags: u16, next: u16) -> Result<usize, QueueError> {
    let chain = pop_of(F_INDIRECT_DESC, |driver| {
        let ring = &driver.rings[0];
        ring.describe(0, 0x20_0000, length, INDIRECT | own, 1);
        ring.describe_at(0x20_0000, 0x10_0000, 4, flags, next);
        for index in 1..8 {
            ring.describe_at(0x20_0000 + 16 * index, 0x10_0000, 4, 0, 0);
        }
    })?;
    Ok(chain.unwrap().readable_len())
}

#[test]
fn indirect_tables_are_followed() {
    assert_eq!(indirect_of(16, 0, 0, 0), Ok(4));
    assert_eq!(indirect_of(128, 0, NEXT, 7), Ok(8));
    assert_eq!(indirect_of(32, WRITE, NEXT, 1), Ok(8), "the write flag means nothing");
    let mixed = pop_of(F_INDIRECT_DESC, |driver| {
        let ring = &driver.rings[0];
        ring.describe(0, 0x10_0000, 5, NEXT, 3);
        ring.describe(3, 0x20_0000, 16, INDIRECT, 0);
        ring.describe_at(0x20_0000, 0x10_0000, 7, WRITE, 0);
    });
    let mixed = mixed.unwrap().unwrap();
    assert_eq!((mixed.readable_len(), mixed.writable_len()), (5, 7));
}

#[test]
fn indirect_tables_keep_their_rules() {
    let not_allowed = Err(QueueError::IndirectNotAllowed { head: 0 });
    assert_eq!(indirect_of(16, NEXT, 0, 0), not_allowed, "chained on");
    assert_eq!(indirect_of(16, 0, INDIRECT, 0), not_allowed, "nested");
    for length in [0, 1, 15, 17, 128 + 16, u32::MAX, u32::MAX - 15] {
        let invalid = Err(QueueError::IndirectLength { length });
        assert_eq!(indirect_of(length, 0, 0, 0), invalid);
    }
    let index = Err(QueueError::Index { index: 2, size: 2 });
    assert_eq!(indirect_of(32, 0, NEXT, 2), index);
    let too_long = Err(QueueError::ChainTooLong { head: 0 });
    assert_eq!(indirect_of(32, 0, NEXT, 0), too_long, "a loop");
    let refused = pop_of(0, |driver| {
        driver.rings[0].describe(0, 0x20_0000, 16, INDIRECT, 0);
    });
    assert_eq!(refused.map(|_| 0), not_allowed, "not negotiated");
    for address in [MEMORY_SIZE as u64 - 8, u64::MAX - 7] {
        let outside = pop_of(F_INDIRECT_DESC, |driver| {
            driver.rings[0].describe(0, address, 16, INDIRECT, 0);
        });
        let table = Table::Indirect;
        assert_eq!(outside, Err(QueueError::TableOutside { table, address }));
    }
}

#[test]
fn a_popped_chain_does_not_follow_the_guest() {
    let mut driver = Driver::new(&[8], 0);
    driver.add(0, &[b"before"], &[]);
    let chain = driver.queue(0).pop(&driver.memory).unwrap().unwrap();
    driver.rings[0].describe(0, u64::MAX, u32::MAX, WRITE | NEXT, 9);
    let mut data = [0; 6];
    let mut reader = chain.reader(&driver.memory).unwrap();
    reader.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"before");
}

#[test]
fn interrupts_follow_the_flag() {
    let mut driver = Driver::new(&[8], 0);
    let mut queue = driver.queue(0);
    let memory = driver.memory.clone();
    assert_eq!(queue.should_interrupt(&memory), Ok(false), "nothing was pushed");
    queue.push(&memory, 0, 0).unwrap();
    assert_eq!(queue.should_interrupt(&memory), Ok(true));
    assert_eq!(queue.should_interrupt(&memory), Ok(false), "said once");
    driver.rings[0].set_flags(1);
    queue.push(&memory, 0, 0).unwrap();
    assert_eq!(queue.should_interrupt(&memory), Ok(false));
    queue.disable_notifications(&memory).unwrap();
    assert_eq!(driver.rings[0].device_flags(), 1);
    driver.add(0, &[b"x"], &[]);
    assert_eq!(queue.enable_notifications(&memory), Ok(true));
    assert_eq!(driver.rings[0].device_flags(), 0);
    queue.pop(&memory).unwrap().unwrap();
    assert_eq!(queue.enable_notifications(&memory), Ok(false));
}

#[test]
fn interrupts_follow_the_event_index() {
    let mut driver = Driver::new(&[8], F_EVENT_IDX);
    let memory = driver.memory.clone();
    // Positions around the wrap: pushed from `old` on, event at `event`, wanted or not.
    for old in [0_u16, 5, 0xfffe] {
        for (pushed, event, wanted) in
            [(1, 0, true), (1, 1, false), (3, 2, true), (3, 3, false), (3, 65535, false)]
        {
            let mut queue = driver.queue(0);
            queue.set_next_used(old);
            driver.rings[0].set_used_event(old.wrapping_add(event));
            for _ in 0..pushed {
                queue.push(&memory, 0, 0).unwrap();
            }
            assert_eq!(queue.should_interrupt(&memory), Ok(wanted), "{old} {pushed} {event}");
        }
    }
    let mut queue = driver.queue(0);
    for _ in 0..3 {
        driver.add(0, &[b"x"], &[]);
        queue.pop(&memory).unwrap().unwrap();
    }
    assert_eq!(queue.enable_notifications(&memory), Ok(false));
    assert_eq!(driver.rings[0].avail_event(), 3);
}

#[test]
fn the_used_element_is_complete() {
    let mut driver = Driver::new(&[8], 0);
    let head = driver.add(0, &[], &[16]);
    let mut queue = driver.queue(0);
    let chain = queue.pop(&driver.memory).unwrap().unwrap();
    let mut writer = chain.writer(&driver.memory).unwrap();
    writer.write_obj(&0x0403_0201_u32).unwrap();
    queue.push(&driver.memory, chain.head(), 4).unwrap();
    let used = driver.used(0).unwrap();
    assert_eq!((used.head, used.answer()), (head, &[1, 2, 3, 4][..]));
    let raw: u64 = driver.memory.read_obj(GuestAddress(driver.rings[0].used_ring + 4)).unwrap();
    assert_eq!(raw, u64::from(head) | 4 << 32);
}
