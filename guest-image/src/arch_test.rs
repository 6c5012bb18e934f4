#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn names_of_both_worlds_mean_the_same() {
    for arch in Arch::ALL {
        assert_eq!(arch.name().parse(), Ok(arch));
        assert_eq!(arch.debian().parse(), Ok(arch));
        // Recipes hold it, and their digests name what is in the cache.
        assert_eq!(serde_json::to_string(&arch).unwrap(), format!("\"{arch}\""));
    }
    assert_eq!(Arch::HOST.name(), std::env::consts::ARCH);
    let error = "riscv64".parse::<Arch>().unwrap_err().to_string();
    assert!(error.contains("riscv64") && error.contains("arm64"), "{error}");
}
