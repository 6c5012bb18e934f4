use super::*;

#[test]
fn steps_are_counted_and_nothing_else() {
    for line in ["  CC      init/main.o", "  LD      vmlinux", "  HOSTCC  scripts/basic/fixdep"] {
        assert!(is_step(line), "{line}");
    }
    for line in
        ["", "  ", "make[1]: Entering directory", "init/main.c:1:2: error: x", "#", "  note: x"]
    {
        assert!(!is_step(line), "{line}");
    }
}

#[test]
fn machines_by_the_kernel_s_names() {
    assert_eq!(names(Arch::X86_64), ("x86", "vmlinux", "vmlinux"));
    assert_eq!(names(Arch::Aarch64), ("arm64", "Image", "arch/arm64/boot/Image"));
}
