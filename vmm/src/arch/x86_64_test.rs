use super::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn a_boot_fills_the_kernels_image_and_the_end_of_memory() {
    assert_eq!(
        X86_64::filled_by_boot(256 * MIB, 13 * MIB, MIB),
        [(16 * MIB, 30 * MIB), (246 * MIB, 256 * MIB)]
    );
    let big = X86_64::filled_by_boot(8 * GIB, 13 * MIB, MIB);
    let end = layout::HOLE_END + 8 * GIB - layout::HOLE;
    assert_eq!(
        big,
        [(16 * MIB, 30 * MIB), (layout::HOLE - 2 * MIB, layout::HOLE), (end - 132 * MIB, end)]
    );
}
