#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use crate::testing::Random;

fn message(request: u8, files: u8, words: &[u64]) -> Vec<u8> {
    let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    [&[request, 1, files, words.len() as u8][..], &body].concat()
}

/// Index and number of a ring's state message.
fn state(index: u64, number: u64) -> u64 {
    index | number << 32
}

/// A whole session; the answers go nowhere, so this end stays open for it.
fn seed() -> Vec<u8> {
    let mut session = vec![
        message(1, 0, &[]),
        message(15, 0, &[]),
        message(16, 0, &[0x2209]),
        message(17, 0, &[]),
        message(3, 0, &[]),
        message(2, 0, &[1 << 30 | features::ALL]),
        message(5, 0x81, &[1, 0, MEMORY, 0x7000_0000, 0]),
        message(24, 0, &[4 << 32, 0xff << 32]),
    ];
    for index in 0..2 {
        let base = 0x7000_0000 + 0x8000 * index;
        session.push(message(8, 0, &[state(index, 16)]));
        session.push(message(10, 0, &[state(index, 0)]));
        session.push(message(9, 0, &[index, base, base + 0x2010, base + 0x1010, 0]));
        session.push(message(13, 1, &[index]));
        session.push(message(14, 1, &[index]));
        session.push(message(12, 1, &[index]));
        session.push(message(18, 0, &[state(index, 1)]));
    }
    session.push(message(5, 0x81, &[1, 0, MEMORY, 0x7000_0000, 0]));
    session.push(message(18, 0, &[state(0, 0)]));
    session.push(message(11, 0, &[state(0, 0)]));
    session.push(message(34, 0, &[]));
    // A descriptor that can be written to, and behind it a ring that offers it.
    let mut content = [0; PAGE_START];
    content[1] = 0x70;
    content[8] = 16;
    content[12] = 2;
    content[18] = 1;
    session.push(content.to_vec());
    session.concat()
}

#[test]
fn the_seed_is_a_whole_session() {
    let (result, device) = run(&seed()).unwrap();
    result.unwrap();
    assert_eq!(device.activations, 3);
    assert_eq!(device.served, 2, "a chain of each queue");
}

#[test]
fn nothing_a_monitor_sends_does_harm() {
    let mut random = Random::new(8);
    fuzz_vhost_user(&[]);
    for _ in 0..1000 {
        let length = random.below(400);
        fuzz_vhost_user(&random.bytes(length));
    }
    let seed = seed();
    for _ in 0..3000 {
        let mut input = seed.clone();
        for _ in 0..=random.below(3) {
            random.mutate(&mut input);
        }
        fuzz_vhost_user(&input);
    }
}
