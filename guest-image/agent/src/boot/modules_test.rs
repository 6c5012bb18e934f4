#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;

#[test]
fn the_list_has_one_name_a_line_and_no_paths() {
    let text = "virtio_mmio.ko\n\n# comment\n  vsock.ko \r\n../evil.ko\n/abs.ko\n";
    assert_eq!(parse_list(text).collect::<Vec<_>>(), ["virtio_mmio.ko", "vsock.ko"]);
}

#[test]
fn dependencies_come_before_what_needs_them() {
    let text = "kernel/a/kvm-amd.ko.xz: kernel/a/kvm.ko.xz kernel/b/irqbypass.ko.xz\nkernel/a/kvm.ko.xz:\n";
    assert_eq!(
        resolve(text, "kvm_amd").unwrap(),
        ["kernel/b/irqbypass.ko.xz", "kernel/a/kvm.ko.xz", "kernel/a/kvm-amd.ko.xz"]
    );
    assert_eq!(resolve(text, "kvm").unwrap(), ["kernel/a/kvm.ko.xz"]);
    assert_eq!(resolve(text, "amd"), None);
    assert_eq!(resolve("no colon\n", "no colon"), None);
}

/// A module as `scripts/sign-file` of the kernel leaves it.
fn signed(body: &[u8], signature: usize) -> Vec<u8> {
    let mut bytes = [body, &vec![7; signature], &[0; 8]].concat();
    bytes.extend_from_slice(&(signature as u32).to_be_bytes());
    bytes.extend_from_slice(SIGNED);
    bytes
}

#[test]
fn the_signature_is_cut_off_and_nothing_else() {
    assert_eq!(unsigned(&signed(b"body", 680)), b"body");
    assert_eq!(unsigned(b"body"), b"body");
    assert_eq!(unsigned(SIGNED), SIGNED);
    let mut lying = signed(b"body", 3);
    let place = lying.len() - SIGNED.len() - 4;
    lying[place] = 0xff;
    assert_eq!(unsigned(&lying), lying);
}
