#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_chain_goes_to_the_device_and_back() {
    let mut driver = Driver::new(&[8, 16], 0);
    let mut queue = driver.queue(1);
    let memory = driver.memory.clone();
    for round in 0..40_u8 {
        let head = driver.send(1, &[&[round; 5], &[], &[7; 3]], &[4, 4]);
        let chain = queue.pop(&memory).unwrap().unwrap();
        assert_eq!((chain.head(), chain.readable_len(), chain.writable_len()), (head, 8, 8));
        let mut writer = chain.writer(&memory).unwrap();
        writer.write_all(&[round; 6]).unwrap();
        queue.push(&memory, head, 6).unwrap();
        let used = driver.used(1).unwrap();
        assert_eq!(used.answer(), [round; 6]);
        assert_eq!(driver.used(1), None);
    }
}

#[test]
fn nonsense_repeats() {
    assert_eq!(Random::new(7).bytes(32), Random::new(7).bytes(32));
    assert_ne!(Random::new(7).bytes(32), Random::new(8).bytes(32));
}
