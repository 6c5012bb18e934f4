use super::*;
use crate::legacy::{pl011, rtc};
use crate::machine::CPUS_MAX;

#[test]
fn nothing_overlaps() {
    let count = VIRTIO_LINES.len();
    let (last, line) = virtio_slot(count - 1).unwrap_or_default();
    assert_eq!((last, line), (0x0a01_f000, 47));
    assert!(virtio_slot(count).is_none() && virtio_slot(usize::MAX).is_none());
    let redistributors = GIC_REDISTRIBUTOR_SIZE * u64::from(CPUS_MAX);
    let parts = [
        (GIC_DISTRIBUTOR, GIC_DISTRIBUTOR_SIZE),
        (SERIAL, pl011::SIZE),
        (RTC, rtc::SIZE),
        (PVPANIC, 2),
        (VIRTIO, last + VIRTIO_STEP - VIRTIO),
        (GIC_REDISTRIBUTORS, redistributors.max(64 << 20)),
        (MEMORY, MEMORY_MAX),
    ];
    for pair in parts.windows(2) {
        assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:x?}");
    }
    assert!(!VIRTIO_LINES.contains(&SERIAL_LINE));
}

#[test]
fn memory_is_one_range() {
    assert_eq!(ranges(5 << 30), [(1 << 30, 5 << 30)]);
}

#[test]
fn affinities_tell_all_processors_apart() {
    let all: std::collections::BTreeSet<u64> = (0..CPUS_MAX).map(affinity).collect();
    assert_eq!(all.len(), usize::from(CPUS_MAX));
    assert_eq!((affinity(1), affinity(15), affinity(16), affinity(31)), (1, 15, 0x100, 0x10f));
}
