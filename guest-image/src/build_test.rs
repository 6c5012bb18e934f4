#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};

use super::*;

/// A bootstrap that needs no network.
#[derive(Default)]
pub struct Small {
    pub made: AtomicUsize,
    pub space: u64,
    pub fails: Option<io::ErrorKind>,
    pub before: Option<Barrier>,
}

impl Bootstrap for Small {
    fn space(&self) -> u64 {
        self.space
    }

    fn make(
        &self,
        recipe: &Recipe,
        into: &Path,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Contents, BootstrapError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        progress(Progress::start(Phase::Packages));
        if let Some(barrier) = &self.before {
            barrier.wait();
            barrier.wait();
        }
        fs::write(work.join("log"), b"left lying about")?;
        for name in Shelf::Images.files() {
            fs::write(into.join(name), format!("{name} of {}", recipe.suite))?;
        }
        match self.fails {
            Some(kind) => Err(io::Error::from(kind).into()),
            None => Ok(Contents { kernel: "6".to_owned(), packages: Vec::new() }),
        }
    }
}

/// A recipe of a name.
pub fn recipe(name: &str) -> Recipe {
    let mut recipe = Recipe::default_debian();
    recipe.suite = name.to_owned();
    recipe
}

fn entries(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}

#[test]
fn made_once_then_found() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(&dir.path().join("not/there/yet"));
    let small = Small::default();
    let mut phases = Vec::new();
    let image = build_with(&cache, &recipe("a"), &small, &mut |p| phases.push(p.phase)).unwrap();
    assert_eq!(fs::read_to_string(image.root()).unwrap(), "root.erofs of a");
    assert_eq!(phases.first(), Some(&Phase::Packages));
    assert_eq!(phases.last(), Some(&Phase::Finish));
    assert_eq!(build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap(), image);
    assert_eq!(small.made.load(Ordering::SeqCst), 1);
    assert_eq!(entries(&cache.temporary()), 0);
    for file in Shelf::Images.files() {
        assert_eq!(fs::metadata(image.dir.join(file)).unwrap().permissions().mode() & 0o777, 0o444);
    }
}

#[test]
fn a_damaged_one_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let small = Small::default();
    let image = build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap();
    fs::remove_file(image.root()).unwrap();
    build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap().check().unwrap();
    fs::write(image.dir.join(files::MANIFEST), b"").unwrap();
    build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap().check().unwrap();
    assert_eq!(small.made.load(Ordering::SeqCst), 3);
}

#[test]
fn of_two_builders_the_second_waits_and_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let first = Small { before: Some(Barrier::new(2)), ..Small::default() };
    let second = Small::default();
    let (told, heard) = mpsc::channel();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| build_with(&cache, &recipe("a"), &first, &mut |_| {}).unwrap());
        first.before.as_ref().unwrap().wait();
        let two = scope.spawn(|| {
            build_with(&cache, &recipe("a"), &second, &mut |p| told.send(p.phase).unwrap()).unwrap()
        });
        assert_eq!(heard.recv().unwrap(), Phase::Waiting);
        first.before.as_ref().unwrap().wait();
        assert_eq!(one.join().unwrap(), two.join().unwrap());
    });
    assert_eq!(second.made.load(Ordering::SeqCst), 0);
}

#[test]
fn what_a_killed_builder_left_is_cleaned() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let dead = cache.temporary().join("build-dead");
    fs::create_dir_all(dead.join("work/root")).unwrap();
    fs::write(dead.join("work/root/file"), b"").unwrap();
    build_with(&cache, &recipe("a"), &Small::default(), &mut |_| {}).unwrap();
    assert!(!dead.exists());
}

#[test]
fn a_failure_leaves_nothing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let small = Small { fails: Some(io::ErrorKind::NotFound), ..Small::default() };
    let error = build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::Bootstrap { .. }));
    assert!(error.to_string().contains(cache.root().join("build.log").to_str().unwrap()));
    assert_eq!((entries(&cache.temporary()), entries(&cache.shelf(Shelf::Images))), (0, 0));
}

#[test]
fn a_full_disk_is_told_before_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::at(dir.path());
    let small = Small { space: 1 << 60, ..Small::default() };
    let error = build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BuildError::Space { .. }));
    assert!(
        text.contains("1152921504607 MB") && text.contains(dir.path().to_str().unwrap()),
        "{text}"
    );
    assert_eq!(small.made.load(Ordering::SeqCst), 0);

    let small = Small { fails: Some(io::ErrorKind::StorageFull), ..Small::default() };
    let error = build_with(&cache, &recipe("a"), &small, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::Full { .. }));
    assert_eq!((entries(&cache.temporary()), entries(&cache.shelf(Shelf::Images))), (0, 0));
}

#[test]
fn a_bootstrap_that_forgets_a_file() {
    struct Forgetful;
    impl Bootstrap for Forgetful {
        fn space(&self) -> u64 {
            0
        }
        fn make(
            &self,
            _: &Recipe,
            _: &Path,
            _: &Path,
            _: &mut dyn FnMut(Progress),
        ) -> Result<Contents, BootstrapError> {
            Ok(Contents { kernel: String::new(), packages: Vec::new() })
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let error =
        build_with(&Cache::at(dir.path()), &recipe("a"), &Forgetful, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::File(_)));
}
