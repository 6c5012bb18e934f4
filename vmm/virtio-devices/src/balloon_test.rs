#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::fs::File;

use vm_memory::{Bytes, FileOffset, GuestAddress};

use super::*;
use crate::queue::features::{ALL, VERSION_1};
use crate::testing::{Driver, MEMORY_SIZE, Random, WRITE};

const MIB: u64 = 1 << 20;

/// Guest memory from a file, filled with ones, and the file.
fn filled() -> (Arc<Memory>, File) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(MEMORY_SIZE as u64).unwrap();
    let offset = FileOffset::new(file.try_clone().unwrap(), 0);
    let range = (GuestAddress(0), MEMORY_SIZE, Some(offset));
    let memory = Memory::from_ranges_with_files([range]).unwrap();
    let ones = vec![1_u8; MEMORY_SIZE - MIB as usize];
    memory.write_slice(&ones, GuestAddress(MIB)).unwrap();
    (Arc::new(memory), file)
}

fn started(features: u64) -> (Driver, Balloon) {
    let driver = Driver::with_memory(filled().0, &QUEUE_SIZES, features);
    let mut balloon = Balloon::new();
    balloon.activate(driver.activation()).unwrap();
    (driver, balloon)
}

/// Whether the page at `address` was given back.
fn is_free(driver: &Driver, address: u64) -> bool {
    let mut page = [0; PAGE as usize];
    driver.memory.read_slice(&mut page, GuestAddress(address)).unwrap();
    assert!(page.iter().all(|byte| *byte == page[0]), "half a page");
    page[0] == 0
}

fn numbers(pages: &[u64]) -> Vec<u8> {
    let numbers = pages.iter().map(|page| (page / PAGE) as u32);
    numbers.flat_map(u32::to_le_bytes).collect()
}

#[test]
fn inflated_pages_are_freed() {
    let (mut driver, balloon) = started(ALL);
    // Up, down, alone, twice; the last number is cut off.
    let pages = [2, 3, 4, 9, 8, 7, 12, 12].map(|page| 8 * MIB + page * PAGE);
    let mut request = numbers(&pages);
    request.extend([0xff, 0xff, 0xff]);
    let used = driver.request(0, &[&request[..7], &request[7..]], &[]);
    assert_eq!(used.written, 0);
    for page in 0..16 {
        let freed = [2, 3, 4, 7, 8, 9, 12].contains(&page);
        assert_eq!(is_free(&driver, 8 * MIB + page * PAGE), freed, "{page}");
    }
    assert_eq!(balloon.control().freed(), 8 * PAGE, "one counted twice");
    assert_eq!(driver.request(1, &[&request], &[]).written, 0);
}

#[test]
fn inflation_stays_inside_memory() {
    let (mut driver, balloon) = started(ALL);
    let end = MEMORY_SIZE as u64;
    let outside = numbers(&[end, end + PAGE, u64::from(u32::MAX) * PAGE]);
    driver.request(0, &[&outside], &[]);
    driver.request(0, &[&[1, 2, 3]], &[]);
    driver.request(0, &[], &[64]);
    assert_eq!(balloon.control().freed(), 0);
    driver.request(0, &[&numbers(&[end - PAGE])], &[]);
    assert_eq!(balloon.control().freed(), PAGE);
    assert!(is_free(&driver, end - PAGE));
    assert_eq!(driver.interrupt.reset_count(), 0);
}

#[test]
fn reported_ranges_are_freed_whichever_queue_they_come_in() {
    // Linux counts the queues that it uses and comes to 2; the specification says 4.
    for queue in [2, 4] {
        let (mut driver, balloon) = started(ALL | F_REPORTING);
        let ring = &mut driver.rings[usize::from(queue)];
        let two_mib = (2 * MIB) as u32;
        ring.add(&[(8 * MIB, two_mib, WRITE), (12 * MIB, 4096, WRITE)]);
        driver.ring(queue);
        assert_eq!(driver.wait(queue).written, 0);
        assert_eq!(balloon.control().freed(), 2 * MIB + PAGE);
        for (address, freed) in [
            (8 * MIB - PAGE, false),
            (8 * MIB, true),
            (10 * MIB - PAGE, true),
            (10 * MIB, false),
            (12 * MIB, true),
            (12 * MIB + PAGE, false),
        ] {
            assert_eq!(is_free(&driver, address), freed, "{address:#x}");
        }
    }
}

#[test]
fn only_whole_pages_inside_memory_are_reported() {
    let (mut driver, balloon) = started(ALL | F_REPORTING);
    let end = MEMORY_SIZE as u64;
    for (address, length) in [
        (8 * MIB + 1, 2 * PAGE as u32 - 2),
        (8 * MIB, 4095),
        (8 * MIB, 0),
        (end - PAGE, 2 * PAGE as u32),
        (end, 4096),
        (u64::MAX - 4095, 4096),
        (u64::MAX - 4095, u32::MAX),
        (8 * MIB, u32::MAX),
        (1 << 50, 4096),
    ] {
        driver.rings[2].add(&[(address, length, WRITE)]);
        driver.ring(2);
        driver.wait(2);
        assert_eq!(balloon.control().freed(), 0, "{address:#x} {length:#x}");
    }
    assert!(!is_free(&driver, 8 * MIB));
    driver.rings[2].add(&[(8 * MIB + 1, 2 * PAGE as u32, WRITE)]);
    driver.ring(2);
    driver.wait(2);
    assert!(is_free(&driver, 8 * MIB + PAGE), "the one whole page within");
    assert_eq!(balloon.control().freed(), PAGE);
    assert_eq!(driver.interrupt.reset_count(), 0);
}

#[test]
fn reports_need_the_feature() {
    let (mut driver, balloon) = started(VERSION_1);
    driver.rings[2].add(&[(8 * MIB, 4096, WRITE)]);
    driver.ring(2);
    driver.wait(2);
    assert_eq!(balloon.control().freed(), 0);
}

#[test]
fn memory_without_a_file_is_left_alone() {
    let memory = crate::testing::memory(MEMORY_SIZE);
    assert_eq!(release(&memory, 0, MIB), 0);
}

#[test]
fn a_range_may_not_leave_its_region() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(4 * PAGE).unwrap();
    let at = |start| Some(FileOffset::new(file.try_clone().unwrap(), start));
    let page = PAGE as usize;
    let memory = Memory::from_ranges_with_files([
        (GuestAddress(0), 2 * page, at(0)),
        (GuestAddress(2 * PAGE), page, at(3 * PAGE)),
    ])
    .unwrap();
    assert_eq!(release(&memory, PAGE, 2 * PAGE), 0);
    memory.write_slice(&vec![1; 3 * page], GuestAddress(0)).unwrap();
    assert_eq!(release(&memory, 2 * PAGE, PAGE), PAGE);
    let first: u8 = memory.read_obj(GuestAddress(2 * PAGE)).unwrap();
    let other: u8 = memory.read_obj(GuestAddress(2 * PAGE - 1)).unwrap();
    assert_eq!((first, other), (0, 1));
}

#[test]
fn the_target_and_the_answer_are_in_configuration_space() {
    let driver = Driver::with_memory(filled().0, &QUEUE_SIZES, ALL);
    let mut balloon = Balloon::new();
    let control = balloon.control();
    control.set_target(5);
    assert_eq!(driver.interrupt.config_count(), 0, "nobody there yet");
    balloon.activate(driver.activation()).unwrap();
    control.set_target(0x0102_0304);
    assert_eq!(driver.interrupt.config_count(), 1);
    let mut config = [0xaa; 12];
    balloon.read_config(0, &mut config);
    assert_eq!(config, [4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    balloon.write_config(4, &77_u32.to_le_bytes());
    assert_eq!(control.actual(), 77);
    balloon.write_config(0, &[9; 4]);
    balloon.write_config(8, &[9; 4]);
    balloon.write_config(u64::MAX, &[9; 4]);
    balloon.write_config(2, &[9, 9, 1, 2]);
    assert_eq!(control.actual(), 0x0201);
    assert_eq!(balloon.reset().len(), 5);
    assert_eq!(control.actual(), 0);
    control.set_target(1);
    assert_eq!(driver.interrupt.config_count(), 1, "gone again");
}

#[test]
fn both_main_queues_are_needed() {
    for missing in [INFLATE, DEFLATE] {
        let mut activation = Driver::new(&QUEUE_SIZES, 0).activation();
        activation.queues.retain(|queue| queue.index != missing);
        let refused = Balloon::new().activate(activation);
        assert!(matches!(refused, Err(ActivateError::MissingQueue(index)) if index == missing));
    }
}

#[test]
fn nonsense_frees_nothing_outside() {
    let (memory, file) = filled();
    let mut random = Random::new(11);
    for _ in 0..2000 {
        let (address, length) = (random.next_u64(), random.next_u64());
        let (a, l) = (random.below(64), random.below(64));
        let freed = release(&memory, address >> a, length >> l);
        assert!(freed <= MEMORY_SIZE as u64);
    }
    assert_eq!(file.metadata().unwrap().len(), MEMORY_SIZE as u64);
}
