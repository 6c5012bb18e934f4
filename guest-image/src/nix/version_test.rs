#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn versions_of_all_kinds_of_nix() {
    for (line, version) in [
        ("nix (Nix) 2.8.0", (2, 8)),
        ("nix (Nix) 2.18.1", (2, 18)),
        ("nix (Nix) 2.4pre20210601_5985b8b", (2, 4)),
        ("nix (Nix) 2.31.2-rc1", (2, 31)),
        ("nix (Lix, like Nix) 2.91.1", (2, 91)),
        ("nix (Determinate Nix 3.8.1) 2.30.1", (2, 30)),
    ] {
        assert_eq!(parse(line), Some(version), "{line}");
    }
    for line in ["", "nix", "bash: nix: command not found", "v.v", "nix 2"] {
        assert_eq!(parse(line), None, "{line}");
    }
    assert!((2, 8) < (2, 18) && (2, 3) < parse(LEAST).unwrap());
}
