use super::*;

const COMMON: &str = include_str!("../../kernel/common.config");
const X86_64: &str = include_str!("../../kernel/x86_64.config");
const AARCH64: &str = include_str!("../../kernel/aarch64.config");

#[test]
fn every_kind_of_line() {
    let options = Options::parse(
        "# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x = y\"\nCONFIG_D=0x10\nCONFIG_E=n\n\
         CONFIG_A2 =y\nCONFIG_=y\nCONFIG_F\n# CONFIG_G is not sat\nA=y\nCONFIG_H=1\nCONFIG_H=2\r\n",
    );
    assert_eq!(options.len(), 6);
    for (name, value) in [
        ("A", "y"),
        ("B", "n"),
        ("C", "\"x = y\""),
        ("D", "0x10"),
        ("E", "n"),
        ("H", "2"),
        ("F", "n"),
    ] {
        assert_eq!(options.get(name), value, "{name}");
    }
}

#[test]
fn what_kconfig_dropped_is_named() {
    let asked = Options::parse(
        "CONFIG_KEPT=y\nCONFIG_GONE=y\nCONFIG_OFF=y\nCONFIG_MODULE=y\n# CONFIG_ON is not set\n\
         # CONFIG_ABSENT is not set\nCONFIG_TEXT=\"a\"\nCONFIG_NUMBER=64\n",
    );
    let got = Options::parse(
        "CONFIG_KEPT=y\n# CONFIG_OFF is not set\nCONFIG_MODULE=m\nCONFIG_ON=y\nCONFIG_TEXT=\"b\"\n\
         CONFIG_NUMBER=8\nCONFIG_MORE=y\n",
    );
    assert_eq!(
        asked.lost(&got),
        [
            "CONFIG_GONE=y",
            "CONFIG_MODULE=y",
            "CONFIG_NUMBER=64",
            "CONFIG_OFF=y",
            "# CONFIG_ON is not set",
            "CONFIG_TEXT=\"a\"",
        ]
    );
    assert!(asked.lost(&asked).is_empty());
}

#[test]
fn our_own_fragments_have_what_is_needed() {
    for (arch, own) in [("x86_64", X86_64), ("aarch64", AARCH64)] {
        let options = Options::parse(&format!("{COMMON}{own}"));
        assert!(options.missing(arch).is_empty(), "{:?}", options.missing(arch));
        assert_eq!(options.get("MODULES"), "n");
    }
}

#[test]
fn every_line_of_our_fragments_is_plain() {
    for line in [COMMON, X86_64, AARCH64].iter().flat_map(|text| text.lines()) {
        let comment = line.is_empty() || (line.starts_with("# ") && !line.starts_with("# CONFIG_"));
        assert!(comment || Options::parse(line).len() == 1, "{line}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let text = format!("{COMMON}{X86_64}")
        .replace("CONFIG_VIRTIO_FS=y", "CONFIG_VIRTIO_FS=m")
        .replace("CONFIG_PVH=y", "# CONFIG_PVH is not set");
    let options = Options::parse(&text);
    assert_eq!(options.missing("x86_64"), ["CONFIG_VIRTIO_FS=y", "CONFIG_PVH=y"]);
    assert_eq!(options.missing("aarch64"), ["CONFIG_VIRTIO_FS=y"]);
    assert_eq!(Options::default().missing("x86_64").len(), NEEDED.len() + NEEDED_X86_64.len());
}
