#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn memory_takes_the_suffixes_people_write() {
    let cases = [
        ("512", 512 * MIB),
        ("128m", 128 * MIB),
        ("128M", 128 * MIB),
        ("4g", 4096 * MIB),
        ("4GB", 4096 * MIB),
        ("4GiB", 4096 * MIB),
        ("1t", 1 << 40),
        ("200000k", 196 * MIB),
        ("131072KiB", 128 * MIB),
    ];
    for (text, bytes) in cases {
        assert_eq!(memory(text), Ok(bytes), "{text}");
    }
}

#[test]
fn memory_refuses_the_rest() {
    for text in ["", "g", "-4g", "+4g", "4.5g", "4 g", "4gg", "0x10", "4p", "１g"] {
        assert_eq!(memory(text), Err(UnitError::Memory), "{text}");
    }
    for text in ["99999999999999999999", "16777216t", "18446744073709551615"] {
        assert_eq!(memory(text), Err(UnitError::MemoryOverflow), "{text}");
    }
    for text in ["0", "1", "127", "127m", "1k"] {
        assert_eq!(memory(text), Err(UnitError::MemoryTooSmall), "{text}");
    }
}

#[test]
fn durations() {
    let cases = [
        ("90", 90_000),
        ("10s", 10_000),
        ("500ms", 500),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d1ms", 86_400_001),
    ];
    for (text, millis) in cases {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "s", "10x", "10s5m", "5m5m", "5m5", "1.5h", "-1", "10 s", "1h 30m"] {
        assert_eq!(duration(text), Err(UnitError::Duration), "{text}");
    }
    for text in ["0", "0s", "0h0m"] {
        assert_eq!(duration(text), Err(UnitError::NoTime), "{text}");
    }
    for text in ["367d", "99999999999999999999s", "18446744073709551615h"] {
        assert_eq!(duration(text), Err(UnitError::DurationTooLong), "{text}");
    }
    assert_eq!(duration("366d"), Ok(LONGEST_TIMEOUT));
}

#[test]
fn cpus_are_1_to_32() {
    for (text, want) in [
        ("1", Some(1)),
        ("32", Some(32)),
        ("0", None),
        ("33", None),
        ("1.5", None),
        ("-1", None),
        ("", None),
    ] {
        assert_eq!(cpus(text).ok(), want, "{text}");
    }
}

#[test]
fn bytes_for_people() {
    for (bytes, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1 << 20, "1 MiB"),
        (3 << 29, "1.5 GiB"),
        (10 << 40, "10 TiB"),
        (u64::MAX, "16777215.9 TiB"),
    ] {
        assert_eq!(show_bytes(bytes), text);
    }
}
