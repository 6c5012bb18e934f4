#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use vm_memory::{Bytes, GuestAddress};

use super::guest::{MEMORY, SETUP};
use super::*;
use crate::queue::features;
use crate::testing::{Driver, INDIRECT, NEXT, Random, WRITE};

/// Guest addresses in the well-formed input.
const TABLE: u64 = 0x9000;
const BUFFER: u64 = 0xa000;

/// A well-formed input: chains of a queue of 8, one of them indirect, with a request of each
/// device in front.
fn seed() -> Vec<u8> {
    let memory = guest::memory(&[]).unwrap();
    let mut driver = Driver::with_memory(memory.clone(), &[8], features::ALL);
    let ring = &mut driver.rings[0];
    let mut header = [0_u8; 16];
    header[8] = 3;
    memory.write_slice(&header, GuestAddress(BUFFER)).unwrap();
    let id = 8_u128.to_le_bytes();
    memory.write_slice(&id, GuestAddress(BUFFER + 16)).unwrap();
    ring.add(&[(BUFFER, 16, 0), (0xb000, 1024, WRITE), (0xc000, 1, WRITE)]);
    ring.add(&[(BUFFER + 16, 16, 0), (0xc010, 21, WRITE)]);
    ring.add(&[(0xd000, 0x1000, WRITE)]);
    ring.describe_at(TABLE, BUFFER, 16, NEXT, 1);
    ring.describe_at(TABLE + 16, 0x9800, 0x1000, WRITE, 0);
    ring.add(&[(TABLE, 32, INDIRECT)]);
    let mut input = vec![3, 3, 0x10, 0x50, 0x60, 0, 0, 0];
    assert_eq!(input.len(), SETUP);
    input.resize(SETUP + MEMORY, 0);
    memory.read_slice(&mut input[SETUP..], GuestAddress(0)).unwrap();
    input
}

/// Runs `entry` over nonsense, and over the well-formed input with damage where it matters.
fn run(entry: fn(&[u8]), seed_number: u64) {
    let mut random = Random::new(seed_number);
    entry(&[]);
    for _ in 0..500 {
        let length = random.below(512);
        entry(&random.bytes(length));
    }
    let seed = seed();
    entry(&seed);
    let places = [(0, 8), (0x1008, 128), (0x5008, 24), (0x9008, 32), (0xa008, 32)];
    for _ in 0..1500 {
        let mut input = seed.clone();
        for _ in 0..=random.below(2) {
            let (start, length) = places[random.below(places.len())];
            random.mutate(&mut input[start..start + length]);
        }
        entry(&input);
    }
}

#[test]
fn the_seed_is_well_formed() {
    let mut guest = guest::guest(&seed()).unwrap();
    let mut served = Vec::new();
    guest.serve(|chain, _| {
        served.push((chain.readable_len(), chain.writable_len()));
        Ok(0)
    });
    assert_eq!(served, [(16, 1025), (16, 21), (0, 4096), (16, 4096)]);
}

#[test]
fn queues() {
    run(fuzz_queue, 1);
}

#[test]
fn disks() {
    run(fuzz_blk, 2);
}

#[test]
fn balloons() {
    run(fuzz_balloon, 3);
}

#[test]
fn windows() {
    let mut random = Random::new(4);
    fuzz_mmio(&[]);
    for _ in 0..500 {
        let length = random.below(1024);
        fuzz_mmio(&random.bytes(length));
    }
    let seed = bring_up();
    for _ in 0..1500 {
        let mut input = seed.clone();
        random.mutate(&mut input);
        // Whole steps may go missing, come twice, or come early.
        for _ in 0..random.below(4) {
            let step = 8 * random.below(input.len() / 8);
            match random.below(3) {
                0 => drop(input.drain(step..step + 8)),
                1 => input.extend_from_within(step..step + 8),
                _ => input.rotate_left(step),
            }
        }
        fuzz_mmio(&input);
    }
}

/// The steps of a driver that does everything right, twice.
fn bring_up() -> Vec<u8> {
    let mut steps: Vec<(u8, u16, u32)> = vec![(0, 0x70, 1), (0, 0x70, 3)];
    for (select, bits) in [(0, features::ALL as u32), (1, (features::ALL >> 32) as u32)] {
        steps.extend([(0, 0x24, select), (0, 0x20, bits)]);
    }
    steps.push((0, 0x70, 11));
    for queue in [0, 1] {
        steps.extend([(0, 0x30, queue), (1, 0x34, 0), (0, 0x38, 8)]);
        steps.extend([(0, 0x80, 0x1000), (0, 0x90, 0x2000), (0, 0xa0, 0x3000)]);
        steps.push((0, 0x44, 1));
    }
    steps.extend([(0, 0x70, 15), (2, 0, 0), (0, 0x50, 1), (2, 0, 0)]);
    steps.extend([(1, 0x60, 0), (0, 0x64, 1), (3, 0x100, 1), (1, 0xfc, 0), (0, 0x70, 0)]);
    let mut input = Vec::new();
    for (kind, offset, value) in steps {
        input.extend([kind, 4]);
        input.extend(offset.to_le_bytes());
        input.extend(value.to_le_bytes());
    }
    input.extend_from_within(..);
    input
}
