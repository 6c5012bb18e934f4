use super::*;

#[test]
fn the_default_has_what_is_promised() {
    let recipe = Recipe::default_debian();
    for package in ["git", "ripgrep", "curl", "python3", "nodejs", "bubblewrap", "socat", "uidmap"]
    {
        assert!(recipe.packages.iter().any(|p| p == package), "{package}");
    }
    assert_eq!(recipe.modules.first().map(String::as_str), Some("virtio_mmio"));
    // They go to mmdebstrap as one comma-separated value, and apt reads some characters as orders.
    for package in &recipe.packages {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        assert!(
            package.chars().all(plain) && package.starts_with(|c: char| c.is_ascii_alphanumeric()),
            "{package}"
        );
    }
}

#[test]
fn another_machine_or_kernel_is_another_image() {
    let of = |arch, flavour| Recipe::debian(arch, flavour);
    let [x86, arm] = Arch::ALL.map(|arch| of(arch, None));
    assert_eq!(
        (x86.kernel.as_str(), arm.kernel.as_str()),
        ("linux-image-cloud-amd64", "linux-image-cloud-arm64")
    );
    assert_ne!(x86.digest(), arm.digest());
    assert_eq!(x86.packages, arm.packages);
    let pages = of(Arch::Aarch64, Some("arm64-16k"));
    assert_eq!(pages.kernel, "linux-image-arm64-16k");
    assert_eq!(pages.modules[0], "crc32c_generic");
    assert_ne!(pages.digest(), arm.digest());
}

#[test]
fn every_change_is_another_image() {
    let recipe = Recipe::default_debian();
    let digest = recipe.digest();
    assert_eq!(digest, recipe.clone().digest());
    let mut other = recipe.clone();
    other.packages.push("zsh".to_owned());
    assert_ne!(digest, other.digest());
    let mut other = recipe.clone();
    other.customize.push('#');
    assert_ne!(digest, other.digest());
    let mut other = recipe;
    other.epoch += 1;
    assert_ne!(digest, other.digest());
}
