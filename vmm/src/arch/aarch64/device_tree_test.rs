#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;
use crate::machine::CPUS_MAX;
use crate::testing::fdt::{self, Tree, cells};

fn tree(cpus: u8, devices: usize, initrd: Option<(u64, u64)>) -> Tree {
    let virtio: Vec<_> = (0..devices).filter_map(layout::virtio_slot).collect();
    let memory = 64 << 20;
    let cmdline = "console=ttyAMA0";
    let seed = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let tree = DeviceTree { memory, cpus, cmdline, initrd, virtio: &virtio, seed };
    let bytes = tree.write().unwrap();
    assert!(bytes.len() < 64 << 10, "{}", bytes.len());
    fdt::read(&bytes)
}

/// Each node's registers, as ranges of guest-physical memory.
fn registers(tree: &Tree) -> Vec<(u64, u64)> {
    let of = |reg: &Vec<u8>| -> Vec<(u64, u64)> {
        let word = |at: usize| u64::from_be_bytes(reg[at..at + 8].try_into().unwrap());
        (0..reg.len() / 16).map(|at| (word(16 * at), word(16 * at + 8))).collect()
    };
    tree.iter()
        .filter(|(path, _)| !path.starts_with("/cpus"))
        .filter_map(|(_, node)| node.get("reg").map(of))
        .flatten()
        .collect()
}

#[test]
fn every_machine_has_a_consistent_tree() {
    for cpus in 1..=CPUS_MAX {
        for devices in [0, 1, 7, 32] {
            let tree = tree(cpus, devices, Some((0x4400_0000, 0x1000)));
            let mut ranges = registers(&tree);
            ranges.sort_unstable();
            for pair in ranges.windows(2) {
                assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:x?}");
            }
            let count = |start: &str| tree.keys().filter(|path| path.starts_with(start)).count();
            assert_eq!(count("/cpus/cpu@"), usize::from(cpus));
            assert_eq!(count("/virtio_mmio@"), devices);
            // No line twice, and no edge that is called a level.
            let lines: Vec<_> = tree
                .iter()
                .filter(|(path, _)| *path != "/timer")
                .filter_map(|(_, node)| node.get("interrupts").map(|value| cells(value)))
                .collect();
            assert!(lines.iter().all(|line| line[0] == SHARED && line[2] == EDGE_RISING));
            assert_eq!(lines.iter().collect::<BTreeSet<_>>().len(), devices + 1);
        }
    }
}

#[test]
fn references_lead_somewhere() {
    let tree = tree(2, 1, None);
    let phandle = |path: &str| cells(&tree[path]["phandle"])[0];
    assert_eq!(cells(&tree["/"]["interrupt-parent"])[0], phandle("/interrupt-controller@8000000"));
    assert_eq!(cells(&tree["/pl011@9000000"]["clocks"]), [phandle("/apb-pclk"); 2]);
    let stdout = String::from_utf8(tree["/chosen"]["stdout-path"].clone()).unwrap();
    assert!(tree.contains_key(stdout.trim_end_matches('\0')), "{stdout}");
}

#[test]
fn the_firmware_is_called_by_hypercalls_and_starts_every_processor() {
    let tree = tree(18, 0, None);
    assert_eq!(tree["/psci"]["method"], b"hvc\0");
    assert_eq!(tree["/psci"]["compatible"], b"arm,psci-1.0\0arm,psci-0.2\0");
    assert_eq!(tree["/cpus/cpu@101"]["reg"], 0x101u64.to_be_bytes());
    assert!(
        tree.iter().filter(|(path, _)| path.starts_with("/cpus/")).all(|(_, cpu)| {
            cpu["enable-method"] == b"psci\0" && cpu["device_type"] == b"cpu\0"
        })
    );
    assert_eq!(cells(&tree["/timer"]["interrupts"]), [1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
}

#[test]
fn seeds_and_memory_are_as_given() {
    let tree = tree(1, 0, None);
    assert_eq!(tree["/chosen"]["rng-seed"].len(), 64);
    assert_eq!(tree["/chosen"]["kaslr-seed"], [64, 65, 66, 67, 68, 69, 70, 71]);
    assert_eq!(tree["/memory@40000000"]["device_type"], b"memory\0");
    assert_eq!(registers(&tree).iter().find(|range| range.0 == 1 << 30).unwrap().1, 64 << 20);
}
