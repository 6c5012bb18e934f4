use super::{AARCH64, X86_64, base};

#[test]
fn quiet_unless_asked_for_the_log() {
    for (verbose, word) in [(false, "quiet"), (true, "loglevel=7")] {
        let line = base(verbose);
        assert!(line.split(' ').any(|found| found == word), "{line}");
        assert!(!line.contains("  ") && line.contains(" panic=-1 "), "{line}");
    }
}

#[test]
fn lines_end_the_machine_at_a_panic_and_fit() {
    for line in [AARCH64, X86_64] {
        assert!(line.split(' ').any(|word| word == "panic=-1"), "{line}");
        assert!(super::check(line).is_ok());
    }
}
