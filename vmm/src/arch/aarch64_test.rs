use super::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn a_boot_fills_device_tree_and_kernel_and_the_end_of_memory() {
    assert_eq!(
        Aarch64::filled_by_boot(256 * MIB, 13 * MIB, MIB),
        [(GIB, GIB + 16 * MIB), (GIB + 246 * MIB, GIB + 256 * MIB)]
    );
    assert_eq!(
        Aarch64::filled_by_boot(64 * GIB, 13 * MIB, MIB),
        [(GIB, GIB + 16 * MIB), (33 * GIB - 2 * MIB, 33 * GIB), (65 * GIB - 1028 * MIB, 65 * GIB)]
    );
}
