#![allow(clippy::unwrap_used)]

use std::time::SystemTime;

use super::*;

fn read(rtc: &mut Rtc, offset: u64) -> u32 {
    let mut data = [0xff; 4];
    rtc.read(offset, &mut data);
    u32::from_le_bytes(data)
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn it_shows_the_hosts_time_and_its_identification() {
    let mut rtc = Rtc::default();
    let before = now();
    let shown = u64::from(read(&mut rtc, 0));
    assert!((before..=now()).contains(&shown), "{shown}");
    assert_eq!(read(&mut rtc, 0xfe0), 0x31);
    assert_eq!(read(&mut rtc, 0xffc), 0xb1);
}

#[test]
fn the_guest_sets_only_its_own_clock() {
    let (mut rtc, mut other) = (Rtc::default(), Rtc::default());
    rtc.write(8, &1000u32.to_le_bytes());
    assert!(read(&mut rtc, 0) < 100_000);
    assert!(u64::from(read(&mut other, 0)) > 1_000_000_000);
}

#[test]
fn every_access_is_answered() {
    let mut rtc = Rtc::default();
    for offset in (0..SIZE).chain([u64::MAX]) {
        for width in 0..=8 {
            let mut data = [0xff; 8];
            rtc.read(offset, &mut data[..width]);
            assert!(data[..width].iter().skip(4).all(|byte| *byte == 0), "{offset:#x}");
            rtc.write(offset, &data[..width]);
        }
    }
}
