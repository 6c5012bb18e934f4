#![allow(clippy::unwrap_used)]

use super::*;

struct Echo(u64);

impl BusDevice for Echo {
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        data[0] = u8::try_from(offset & 0xff).unwrap();
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        self.0 += data.len() as u64;
        if offset == 1 { Action::Reset } else { Action::None }
    }
}

#[test]
fn accesses_reach_the_device_of_their_address() {
    let mut bus = Bus::default();
    bus.add(0x10, 4, Box::new(Echo(0))).unwrap();
    bus.add(0x20, 1, Box::new(Echo(0))).unwrap();
    assert_eq!(bus.read(0x13, 1), 3);
    assert_eq!(bus.read(0x20, 4), 0);
    assert_eq!(bus.read(0xf, 1), 0xff);
    assert_eq!(bus.read(0x14, 2), 0xffff);
    assert_eq!(bus.read(0x21, 8), u64::MAX);
    assert_eq!(bus.write(0x11, 4, 5), Action::Reset);
    assert_eq!(bus.write(0x21, 4, 5), Action::None);
}

#[test]
fn overlap_and_wrap_around_are_refused() {
    let mut bus = Bus::default();
    bus.add(0x10, 0x10, Box::new(Echo(0))).unwrap();
    for (start, size) in [(0x10, 1), (0xf, 2), (0, 0x100), (0x1f, 9), (0x30, 0), (u64::MAX, 2)] {
        assert_eq!(bus.add(start, size, Box::new(Echo(0))), Err(Overlap { start, size }));
    }
    bus.add(0x20, 1, Box::new(Echo(0))).unwrap();
    bus.add(u64::MAX, 1, Box::new(Echo(0))).unwrap();
    assert_eq!(bus.read(u64::MAX, 1), 0);
}
