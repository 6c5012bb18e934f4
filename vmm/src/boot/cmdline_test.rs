use super::base;

#[test]
fn quiet_unless_asked_for_the_log() {
    for (verbose, word) in [(false, "quiet"), (true, "loglevel=7")] {
        let line = base(verbose);
        assert!(line.split(' ').any(|found| found == word), "{line}");
        assert!(!line.contains("  ") && line.contains(" panic=-1 "), "{line}");
    }
}
