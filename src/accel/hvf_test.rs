#![allow(clippy::unwrap_used)]

use super::*;

fn mac() -> Mac {
    Mac {
        arm64: true,
        translated: false,
        supported: true,
        version: Some((15, 6)),
        created: Created::Works,
    }
}

#[test]
fn each_trouble_has_its_line() {
    let none: [Mac; 4] = [
        mac(),
        Mac { version: Some((26, 0)), ..mac() },
        Mac { version: None, ..mac() },
        Mac { created: Created::Untried, ..mac() },
    ];
    for mac in none {
        assert_eq!(hvf_trouble(&Hvf::Mac(mac)), None, "{mac:?}");
    }
    let table = [
        (Mac { arm64: false, supported: false, ..mac() }, "Intel"),
        (Mac { translated: true, created: Created::Untried, ..mac() }, "arch -arm64"),
        (Mac { supported: false, ..mac() }, "kern.hv_support"),
        (Mac { version: Some((14, 7)), created: Created::Untried, ..mac() }, "macOS 14.7"),
        (Mac { created: Created::Denied, ..mac() }, "./scripts/sign"),
        (Mac { created: Created::Busy, ..mac() }, "busy"),
        (Mac { created: Created::Unsupported, ..mac() }, "cannot"),
        (Mac { created: Created::Failed(0xfae9_4001), ..mac() }, "0xfae94001"),
    ];
    for (mac, want) in table {
        let text = hvf_trouble(&Hvf::Mac(mac)).unwrap().full();
        assert!(text.contains(want) && !text.contains('\n'), "{mac:?}: {text}");
    }
}

#[test]
fn what_was_asked_for_elsewhere_is_told() {
    assert!(hvf_trouble(&Hvf::Foreign).unwrap().full().contains("--accel kvm"));
    assert_eq!(hvf_trouble(&Hvf::Shim), None);
}

#[test]
fn versions() {
    assert_eq!(version("15.6.1\n"), Some((15, 6)));
    assert_eq!(version("26"), Some((26, 0)));
    assert_eq!(version("26.x"), None);
    assert_eq!(version(""), None);
}

#[test]
fn codes_of_the_framework() {
    assert_eq!(Created::of(0), Created::Works);
    assert_eq!(Created::of(0xfae9_4007), Created::Denied);
    assert_eq!(Created::of(0xfae9_4002), Created::Busy);
    assert_eq!(Created::of(0xfae9_400f), Created::Unsupported);
    assert_eq!(Created::of(7), Created::Failed(7));
}
