use virtio_devices::testing::Random;

use super::{EXIT, fuzz_exits};

#[test]
fn random_exits_end_with_their_bytes() {
    let mut random = Random::new(3);
    for exits in 0..200 {
        let mut data = random.bytes(exits * EXIT + exits % EXIT);
        // Most of them exceptions, half of those of a class there is.
        for exit in data.chunks_mut(EXIT) {
            exit[0] = [1, 1, 1, 0, 2, 7][random.below(6)];
            if let Some(class) = exit.get_mut(1).filter(|class| **class & 1 == 0) {
                *class = [0x01, 0x16, 0x17, 0x18, 0x20, 0x24][random.below(6)];
            }
        }
        fuzz_exits(&data);
    }
}
