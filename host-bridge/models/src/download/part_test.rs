#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_full_disk_is_one_line() {
    let mut disk = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut sink = Sink { hash: Sha256::new(), done: 0, limit: 100 };
    let Err(Pour::Write(e)) = sink.pour(&mut &b"abc"[..], Some(&mut disk), |_| {}) else {
        panic!("/dev/full took bytes");
    };
    assert!(full(&e));
    let message = DownloadError::Full("x.gguf".into()).to_string();
    assert_eq!(message.lines().count(), 1);
}
