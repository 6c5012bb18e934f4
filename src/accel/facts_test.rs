use super::*;

fn flags(text: &str) -> (Option<bool>, bool) {
    let flags = CpuFlags::parse(text);
    (flags.virtualization, flags.hypervisor)
}

#[test]
fn flags_are_whole_words_of_the_flags_line() {
    assert_eq!(flags("processor\t: 0\nflags\t\t: fpu vmx sse\n"), (Some(true), false));
    assert_eq!(flags("flags : svm hypervisor\n"), (Some(true), true));
    assert_eq!(flags("flags\t: fpu svm_lock vmxx hypervisor\n"), (Some(false), true));
    assert_eq!(flags("flags: ept\nmodel name: vmx svm\n"), (Some(false), false));
    assert_eq!(flags("vmx flags\t: ept vnmi\nFeatures\t: fp asimd\n"), (None, false));
    assert_eq!(flags(""), (None, false));
}

#[test]
fn qemu_is_not_sought_for_kvm() {
    assert_eq!(Facts::gather(Choice::Kvm, None, &[]).qemu, Qemu::NotSought);
    #[cfg(target_os = "linux")]
    assert_eq!(Facts::gather_all(None, &[]).qemu, Qemu::Absent);
}
