#![allow(clippy::unwrap_used)]

use std::path::Path;

use guest_image::{Cache, Recipe, debian::ToolsError};

use super::*;
use crate::{
    accel::{CpuFlags, Kvm, Qemu},
    doctor::report::Level,
};

fn facts(kvm: Kvm, virtualization: bool, qemu: Qemu) -> Facts {
    Facts { kvm, cpu: CpuFlags { virtualization, hypervisor: true }, pvm: false, qemu }
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
