use super::*;

#[test]
fn small_memory_is_one_range() {
    assert_eq!(ranges(128 << 20), [(0, 128 << 20)]);
    assert_eq!(ranges(HOLE), [(0, HOLE)]);
}

#[test]
fn memory_jumps_over_the_hole_and_keeps_its_size() {
    for size in [HOLE + 0x1000, 4 << 30, 16 << 30, MEMORY_MAX] {
        let parts = ranges(size);
        assert_eq!(parts, [(0, HOLE), (0x1_0000_0000, size - HOLE)]);
        assert_eq!(parts.iter().map(|(_, len)| len).sum::<u64>(), size);
        assert_eq!(low_end(size), HOLE);
    }
}

#[test]
fn nothing_in_the_hole_overlaps() {
    let (last, gsi) = virtio_slot(VIRTIO_GSIS.len() - 1).unwrap_or_default();
    assert_eq!(gsi, 23);
    assert!(last + VIRTIO_STEP <= u64::from(IO_APIC));
    assert!(virtio_slot(VIRTIO_GSIS.len()).is_none());
    assert!(virtio_slot(usize::MAX).is_none());
    assert!(u64::from(LOCAL_APIC) + 0x1000 <= IDENTITY_MAP);
    assert!(IDENTITY_MAP + 0x1000 <= TSS as u64);
    assert!(TSS as u64 + 0x3000 <= HOLE_END);
}

#[test]
fn boot_structures_do_not_overlap() {
    let mut parts = [
        (GDT, 0x28),
        (START_INFO, 56),
        (MODULE_LIST, 32),
        (MEMORY_MAP, 24 * 16),
        (ZERO_PAGE, 0x1000),
        (BOOT_STACK - 0xff0, 0xff0),
        (PAGE_TABLES, 0x3000),
        (COMMAND_LINE, crate::boot::cmdline::MAX as u64 + 1),
    ];
    parts.sort_unstable();
    for pair in parts.windows(2) {
        assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:x?}");
    }
    assert!(parts.iter().all(|(start, len)| start + len <= LOW_RAM_END));
}
