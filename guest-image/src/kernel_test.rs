#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;
use crate::{Arch, ImageError};

/// A source that "compiles" in no time: what it makes is any program of this machine.
const MAKEFILE: &str = "
allnoconfig:
	grep -v LOST $(KCONFIG_ALLCONFIG) > .config
vmlinux:
	@echo '  CC      one.o'
	@echo '  LD      vmlinux'
	@mkdir -p include/config
	@echo 6.12.1-test > include/config/kernel.release
	@cp /bin/sh vmlinux
";

fn recipe(dir: &Path, makefile: &str) -> KernelRecipe {
    let top = dir.join("linux");
    fs::create_dir_all(&top).unwrap();
    fs::write(top.join("Makefile"), makefile).unwrap();
    let archive = dir.join("linux.tar");
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&archive).arg("-C").arg(dir).arg("linux");
    assert!(tar.status().unwrap().success());
    let mut recipe = KernelRecipe::of_archive(&archive).unwrap();
    recipe.config = "CONFIG_A=y\n# CONFIG_B is not set\n".to_owned();
    recipe.patch = String::new();
    recipe.arch = Arch::X86_64;
    recipe
}

/// As [`build_kernel`], on a machine without the programs for a real one.
fn build(cache: &Cache, recipe: &KernelRecipe) -> Result<Kernel, BuildError> {
    let order = Order {
        shelf: Shelf::Kernels,
        digest: recipe.digest(),
        arch: recipe.arch,
        space: 0,
        manifest: None,
    };
    let make = |into: &Path, work: &Path, progress: &mut dyn FnMut(Progress)| {
        assemble(recipe, into, work, progress)
    };
    carry_out(cache, &order, &make, &mut |_| {}).map(Kernel)
}

/// All causes of a failure, and the log that it names.
fn failure(error: &BuildError) -> (String, PathBuf) {
    let BuildError::Bootstrap { what: "kernel", log: Some(log), .. } = error else {
        panic!("{error:?}");
    };
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        said = format!("{said}: {error}");
        next = error.source();
    }
    (said, log.clone())
}

#[test]
fn made_once_then_found() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let recipe = recipe(dir.path(), MAKEFILE);
    assert_eq!(cache.find_kernel(&recipe).unwrap(), None);
    let kernel = build(&cache, &recipe).unwrap();
    assert_eq!(kernel.version(), "6.12.1-test");
    assert_eq!(fs::read_to_string(kernel.stored().dir.join("config")).unwrap(), recipe.config);
    assert!(fs::read(kernel.vmlinux()).unwrap().starts_with(b"\x7fELF"));
    assert_eq!(fs::metadata(kernel.vmlinux()).unwrap().permissions().mode() & 0o777, 0o444);
    assert_eq!(cache.find_kernel(&recipe).unwrap().as_ref(), Some(&kernel));
    // The archive could be gone by now: nothing is made again.
    fs::remove_file(dir.path().join("linux.tar")).unwrap();
    assert_eq!(build(&cache, &recipe).unwrap(), kernel);
    assert_eq!(fs::read_dir(cache.temporary()).unwrap().count(), 0);
}

#[test]
fn what_was_altered_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let recipe = recipe(dir.path(), MAKEFILE);
    let kernel = build(&cache, &recipe).unwrap();
    let path = kernel.vmlinux();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, whole.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).unwrap();
    assert!(matches!(kernel.stored().check(), Err(ImageError::Altered { .. })));
    assert_eq!(fs::read(build(&cache, &recipe).unwrap().vmlinux()).unwrap(), whole);
}

#[test]
fn a_failed_build_names_its_log_and_leaves_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let good = build(&cache, &recipe(dir.path(), MAKEFILE)).unwrap();
    let broken = MAKEFILE.replace("\t@cp", "\t@echo 'init/main.c:7:1: error: broken'; exit 1; cp");
    let error = build(&cache, &recipe(dir.path(), &broken)).unwrap_err();
    let (said, log) = failure(&error);
    assert!(said.contains("the kernel cannot be made (see "), "{said}");
    assert!(said.ends_with("make failed: init/main.c:7:1: error: broken"), "{said}");
    assert!(fs::read_to_string(log).unwrap().contains("  CC      one.o\n"));
    good.stored().verify(&mut |_| {}).unwrap();
    assert_eq!(cache.kernels().unwrap().len(), 1);
    assert_eq!(fs::read_dir(cache.temporary()).unwrap().count(), 0);
}

#[test]
fn the_source_is_changed_once() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let patch = "why\n\n--- a/Makefile\n+++ b/Makefile\n@@ -1,4 +1,4 @@\n \n allnoconfig:\n-\tgrep -v LOST \
                 $(KCONFIG_ALLCONFIG) > .config\n+\tgrep -v GONE $(KCONFIG_ALLCONFIG) > .config\n vmlinux:\n";
    let mut changed = recipe(dir.path(), MAKEFILE);
    changed.config.push_str("CONFIG_LOST=y\n");
    changed.patch = patch.to_owned();
    build(&cache, &changed).unwrap();
    // A source that has the change already is none the worse.
    let mut newer = recipe(dir.path(), &MAKEFILE.replace("LOST", "GONE"));
    newer.patch = patch.to_owned();
    build(&cache, &newer).unwrap();
    let mut other = recipe(dir.path(), &MAKEFILE.replace("LOST", "ELSE"));
    other.patch = patch.to_owned();
    let (said, _) = failure(&build(&cache, &other).unwrap_err());
    assert!(said.contains("patch failed: "), "{said}");
}

#[test]
fn every_option_that_is_lost_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let mut recipe = recipe(dir.path(), MAKEFILE);
    recipe.config.push_str("CONFIG_LOST=y\nCONFIG_LOST_TEXT=\"a\"\n");
    let (said, _) = failure(&build(&cache, &recipe).unwrap_err());
    assert!(said.ends_with(": CONFIG_LOST=y, CONFIG_LOST_TEXT=\"a\""), "{said}");
}

#[test]
fn a_full_disk_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let full = MAKEFILE.replace("\t@cp", "\t@echo 'as: No space left on device'; exit 1; cp");
    let error = build(&cache, &recipe(dir.path(), &full)).unwrap_err();
    assert!(matches!(error, BuildError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("is full, and making the kernel takes up to"), "{error}");
}

#[test]
fn two_at_once_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("cache"));
    let count = dir.path().join("count");
    let counting = format!("{MAKEFILE}\t@echo made >> {}\n", count.display());
    let recipe = recipe(dir.path(), &counting);
    let barrier = Arc::new(Barrier::new(2));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (cache, recipe, barrier) = (cache.clone(), recipe.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                build(&cache, &recipe).unwrap()
            })
        })
        .collect();
    let kernels: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(kernels[0], kernels[1]);
    assert_eq!(fs::read_to_string(count).unwrap(), "made\n");
}
