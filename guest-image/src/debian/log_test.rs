#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn counts_packages() {
    let mut log = Log::default();
    assert_eq!(log.line("I: running apt-get update..."), None);
    assert_eq!(log.line("I: downloading packages with apt...").unwrap().phase, Phase::Packages);
    log.line("0 upgraded, 59 newly installed, 0 to remove and 0 not upgraded.");
    let now = log.line("Unpacking base-files (13.8) ...").unwrap();
    assert_eq!((now.done, now.total), (1, 472));
    log.line("0 upgraded, 174 newly installed, 0 to remove and 0 not upgraded.");
    let now = log.line("Setting up base-files (13.8) ...").unwrap();
    assert_eq!((now.done, now.total), (2, 466));
    assert_eq!(log.line("qvm: kernel"), Some(Progress::start(Phase::Kernel)));
    assert_eq!(log.line("qvm: root"), Some(Progress::start(Phase::Root)));
}

#[test]
fn the_first_complaint_is_the_telling_one() {
    let mut log = Log::default();
    assert_eq!(log.telling(), "it said nothing");
    log.line("Get:1 something");
    assert_eq!(log.telling(), "Get:1 something");
    log.line("E: Unable to locate package nonesuch\u{1b}[31m");
    log.line("E: setup failed: E: command failed");
    assert_eq!(log.telling(), "E: Unable to locate package nonesuch[31m");
    assert!(log.full_disk().is_none());
    log.line("dpkg: error: cannot write: No space left on device");
    assert_eq!(log.full_disk().unwrap().kind(), io::ErrorKind::StorageFull);
}
