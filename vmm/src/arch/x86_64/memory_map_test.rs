use super::*;

#[test]
fn map_is_sorted_and_without_overlap() {
    for size in [crate::machine::memory::MIN, layout::HOLE, 4 << 30, layout::MEMORY_MAX] {
        let mut map = entries(size);
        map.sort_by_key(|entry| entry.start);
        for pair in map.windows(2) {
            assert!(pair[0].start + pair[0].size <= pair[1].start, "{pair:x?}");
        }
        let ram: u64 = map.iter().filter(|e| e.kind == Kind::Ram).map(|e| e.size).sum();
        assert_eq!(ram, size - (layout::HIGH_RAM - layout::LOW_RAM_END));
        assert!(
            map.iter().all(|e| e.start + e.size <= layout::HOLE || e.start >= layout::HOLE_END)
        );
    }
}
