#![allow(clippy::unwrap_used)]

use super::*;
use crate::agents::find;

#[test]
fn what_is_missing_is_named_by_its_package() {
    let all = || ["claude", "llm"].into_iter().filter_map(find);
    assert_eq!(missing(all(), |_| false, || false), ["npm", "python3-pip", "erofs-utils"]);
    assert_eq!(missing(all(), |_| true, || true), [""; 0]);
    assert_eq!(missing(all(), |_| true, || false), ["python3-pip"]);
    assert_eq!(missing(all().take(1), |_| true, || false), [""; 0]);
}

#[test]
fn the_line_that_complains_is_told() {
    for (text, line) in [
        ("npm error code E404\nnpm error 404 Not Found\nnpm error log", "npm error 404 Not Found"),
        (
            "npm ERR! code EAI_AGAIN\nnpm ERR! syscall getaddrinfo\nnpm ERR! request failed\n",
            "npm ERR! request failed",
        ),
        ("Collecting x\nERROR: No matching distribution\n", "ERROR: No matching distribution"),
        ("one\n\x1b[1mtwo\n\n", "[1mtwo"),
        ("", "it said nothing"),
    ] {
        assert_eq!(telling(text), line);
    }
}

#[test]
fn a_failure_has_its_line_and_the_log_has_all() {
    let dir = tempfile::tempdir().unwrap();
    let script = "echo one; echo 'tar: x: No space left on device' >&2; exit 3";
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let Err(ClientError::Failed { said, source, .. }) = run("sh", &mut command, dir.path()) else {
        panic!("no failure");
    };
    assert_eq!(said, "tar: x: No space left on device");
    assert_eq!(source.unwrap().kind(), io::ErrorKind::StorageFull);
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("one\n") && log.contains("tar: "));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = run("npm", &mut Command::new("/nonexistent/npm"), dir.path()).unwrap_err();
    assert_eq!(error.to_string(), "cannot run npm");
}
