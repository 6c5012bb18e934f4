#![allow(clippy::unwrap_used)]

use super::*;

fn files(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

#[test]
fn a_name_is_held_until_its_end_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = "n".repeat(63);
    assert_eq!(connect(folder, "qvm", &long).unwrap_err().kind(), io::ErrorKind::NotFound);
    let (_listener, held) = listen(folder, "qvm", &long).unwrap();
    assert_eq!(listen(folder, "qvm", &long).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let (_other, _held) = listen(folder, "qvm", "other").unwrap();
    let (_serve, _serve_held) = listen(folder, "qvm-serve", &long).unwrap();
    connect(folder, "qvm", &long).unwrap();
    assert_eq!(all(folder, "qvm-serve").unwrap().len(), 1);
    drop(held);
    assert_eq!(all(folder, "qvm").unwrap().len(), 1, "one is of another kind");
    assert_eq!(files(folder), 4);
}

#[test]
fn what_the_killed_leave_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let leave = || {
        let (listener, name) = listen(folder, "qvm", "killed").unwrap();
        // The lock goes with the process, the files stay.
        let path = name.path.clone();
        let (kept, lock) = (socket(&path), lock_of(&path));
        std::fs::hard_link(&kept, kept.with_extension("kept")).unwrap();
        drop((listener, name));
        std::fs::rename(kept.with_extension("kept"), kept).unwrap();
        std::fs::write(lock, "").unwrap();
    };
    leave();
    assert_eq!(files(folder), 2);
    assert_eq!(
        connect(folder, "qvm", "killed").unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
    assert!(all(folder, "qvm").unwrap().is_empty());
    assert_eq!(files(folder), 0);
    leave();
    let (_listener, _name) = listen(folder, "qvm", "killed").unwrap();
    connect(folder, "qvm", "killed").unwrap();
}

#[test]
fn what_was_left_long_ago_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long_ago = std::time::SystemTime::now() - 2 * OLD;
    for name in ["memory-old", "memory-new", "other"] {
        std::fs::write(folder.join(name), "").unwrap();
    }
    for name in ["model-dead", "model-new", "model-serves"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    drop(UnixListener::bind(folder.join("model-dead").join(SERVER)).unwrap());
    let _serves = UnixListener::bind(folder.join("model-serves").join(SERVER)).unwrap();
    for name in ["memory-old", "other", "model-dead", "model-serves"] {
        File::open(folder.join(name)).unwrap().set_modified(long_ago).unwrap();
    }
    let (_listener, _name) = listen(folder, "qvm", "name").unwrap();
    sweep(folder);
    let there = |name: &str| folder.join(name).exists();
    assert!(!there("memory-old") && !there("model-dead"));
    assert!(["memory-new", "other", "model-new", "model-serves"].map(there) == [true; 4]);
    connect(folder, "qvm", "name").unwrap();
}
