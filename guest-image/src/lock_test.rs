#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let first = Lock::try_acquire(&path).unwrap().unwrap();
    assert!(Lock::try_acquire(&path).unwrap().is_none());

    let (told, heard) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| Lock::acquire(&path, || told.send(()).unwrap()).unwrap());
        heard.recv().unwrap();
        drop(first);
        second.join().unwrap();
    });
    assert!(Lock::try_acquire(&path).unwrap().is_some());
}
