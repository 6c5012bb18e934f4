#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use guest_image::{Cache, Recipe, debian::ToolsError};

use super::*;
use crate::{
    accel::{CpuFlags, Created, Hvf, Kvm, Mac, Qemu},
    doctor::report::Level,
};

fn facts(kvm: Kvm, virtualization: bool, qemu: Qemu) -> Facts {
    let cpu = CpuFlags { virtualization: Some(virtualization), hypervisor: true };
    Facts { kvm, cpu, pvm: false, hvf: Hvf::Foreign, qemu }
}

#[test]
fn qemu_is_a_failure_only_where_it_is_needed() {
    let facts = facts(Kvm::Absent, false, Qemu::Absent);
    let needed = engine::qemu(&facts, false);
    assert_eq!(needed.level, Level::Fail);
    assert!(needed.advice.unwrap().contains("apt install qemu-system-x86"));
    assert_eq!(engine::qemu(&facts, true).level, Level::Ok);
}

#[test]
fn kvm_without_the_flags_is_a_warning() {
    let finding = engine::kvm(&facts(Kvm::Usable, false, Qemu::Absent));
    assert_eq!(finding.level, Level::Warn);
    assert!(finding.advice.unwrap().contains("not used by itself"));
    assert_eq!(engine::kvm(&facts(Kvm::Usable, true, Qemu::Absent)).level, Level::Ok);
    let denied = engine::kvm(&facts(Kvm::Denied, true, Qemu::Absent));
    assert!(denied.advice.unwrap().contains("usermod"));
}

#[test]
fn a_mac_is_asked_for_its_framework_only() {
    let mac = Mac {
        arm64: true,
        translated: false,
        supported: true,
        version: Some((15, 6)),
        created: Created::Denied,
    };
    let facts = |mac| Facts { hvf: Hvf::Mac(mac), ..facts(Kvm::Foreign, false, Qemu::Foreign) };
    let [denied] = &engine::all(&facts(mac), false)[..] else { panic!() };
    assert_eq!(denied.level, Level::Fail);
    assert!(denied.advice.as_ref().unwrap().contains("./scripts/sign"));
    let works = engine::all(&facts(Mac { created: Created::Works, ..mac }), true);
    assert_eq!((works[0].level, works.len()), (Level::Ok, 1));
    assert!(works[0].fact.contains("macOS 15.6"), "{}", works[0].fact);
}

#[test]
fn room_matters_while_there_is_no_image() {
    let at = Path::new("/c");
    assert_eq!(files::room(at, Some(1 << 20), false).level, Level::Warn);
    assert_eq!(files::room(at, Some(1 << 20), true).level, Level::Ok);
    assert_eq!(files::room(at, Some(1 << 40), false).level, Level::Ok);
    assert_eq!(files::room(at, None, true).level, Level::Warn);
}

#[test]
fn a_damaged_image_is_a_failure_and_a_missing_one_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let recipe = Recipe::default_debian();
    assert_eq!(files::default_image(cache.find(&recipe), || Ok(())).level, Level::Warn);
    assert_eq!(
        files::default_image(cache.find(&recipe), || Err(ToolsError::NotDebian)).level,
        Level::Fail
    );
    let image = dir.path().join("images").join(recipe.digest().to_string());
    std::fs::create_dir_all(&image).unwrap();
    std::fs::write(image.join("manifest.json"), "{").unwrap();
    assert_eq!(files::default_image(cache.find(&recipe), || Ok(())).level, Level::Fail);
}

#[test]
fn a_mac_without_its_sandbox_is_a_failure() {
    assert_eq!(seatbelt(Path::new("/bin/sh")).level, Level::Ok);
    assert_eq!(seatbelt(Path::new("/no/such")).level, Level::Fail);
}

#[test]
fn no_layer_against_files_is_a_failure() {
    let missing = || State::Missing { why: "no".into() };
    let active = || State::Active { detail: "yes".into() };
    let support = |namespaces, landlock| Support {
        user_namespace: missing(),
        namespaces,
        landlock,
        seccomp: active(),
    };
    let failed = |s: &Support| confinement(s).iter().any(|f| f.level == Level::Fail);
    assert!(failed(&support(missing(), missing())));
    assert!(!failed(&support(active(), missing())));
    assert!(!failed(&support(missing(), active())));
}
