use super::*;

#[test]
fn a_host_name_that_could_forge_lines_is_replaced() {
    assert_eq!(hostname("my-box.local"), "my-box.local");
    for name in ["", "a b", "a\n::1 evil", "ü", &"x".repeat(65)] {
        assert_eq!(hostname(name), "qvm", "{name:?}");
    }
}

#[test]
fn localhost_means_both_loopback_addresses() {
    let hosts = hosts("box");
    assert!(
        hosts.contains("127.0.0.1 localhost\n")
            && hosts.contains("::1 localhost ")
            && hosts.contains(" box\n")
    );
}
