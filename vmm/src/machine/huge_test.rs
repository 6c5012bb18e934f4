#![allow(clippy::unwrap_used)]

use super::*;
use crate::arch::{Aarch64, Native};

/// End of the first of two ranges of x86-64.
const HOLE: u64 = 0xe000_0000;
const GIB: u64 = 1 << 30;

#[test]
fn spans_are_huge_pages_of_memory_that_do_not_meet() {
    spans_of::<Native>();
    spans_of::<Aarch64>();
}

fn spans_of<A: Arch>() {
    for size in [64 * MIB, 65 * MIB, 100 * MIB, HOLE, HOLE + MIB, 5 * GIB] {
        for kernel in [0, MIB, 60 * MIB, u64::MAX] {
            for initrd in [0, 3 * MIB, u64::MAX] {
                let spans = A::filled_by_boot(size, kernel, initrd);
                let mut before = 0;
                for (start, end) in &spans {
                    assert!(start % HUGE == 0 && end % HUGE == 0 && start < end, "{spans:x?}");
                    assert!(*start >= before, "{spans:x?}");
                    let fits =
                        |(first, length): &(u64, u64)| start >= first && *end <= first + length;
                    assert!(A::ranges(size).iter().any(fits), "{size:x}: {spans:x?}");
                    before = *end;
                }
                let total: u64 = spans.iter().map(|(start, end)| end - start).sum();
                assert!(total <= size / 2, "{total} of {size}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod pages {
    use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

    use super::*;
    use crate::machine::memory;

    #[test]
    fn what_is_prepared_is_zero_and_the_rest_is_untouched() {
        let size = 128 * MIB;
        let memory = memory::create::<Native>(size).unwrap();
        prepare::<Native>(&memory, size, 5 * MIB, MIB);
        let file = memory.iter().next().unwrap().file_offset().unwrap().file().metadata().unwrap();
        let filled = std::os::unix::fs::MetadataExt::blocks(&file) * 512;
        let wanted: u64 =
            Native::filled_by_boot(size, 5 * MIB, MIB).iter().map(|(start, end)| end - start).sum();
        assert!(filled <= wanted, "{filled} of {wanted}");
        let start = Native::ranges(size)[0].0;
        for at in (start..start + size).step_by(1 << 20) {
            assert_eq!(memory.read_obj::<u64>(GuestAddress(at)).unwrap(), 0);
        }
    }

    #[test]
    fn guest_memory_lies_where_huge_pages_can() {
        let memory = memory::create::<Native>(64 * MIB).unwrap();
        let region = memory.iter().next().unwrap();
        assert_eq!(region.as_ptr().addr() % usize::try_from(HUGE).unwrap(), 0);
    }
}
