use super::*;

#[test]
fn a_counter_of_instructions_has_a_known_frequency() {
    assert!(kernel_line("quiet", Some(1)).contains(" quiet tsc_early_khz=1000000 tsc=reliable "));
}

#[test]
fn on_kvm_it_is_told_the_same() {
    #[cfg(target_arch = "x86_64")]
    assert!(kernel_line("quiet", None).starts_with(&qvm_vmm::boot::cmdline::base(false)));
}

#[test]
fn the_counter_is_measured_to_a_plausible_frequency() {
    let khz = tsc_khz();
    assert!((500_000..10_000_000).contains(&khz), "{khz} kHz");
}
