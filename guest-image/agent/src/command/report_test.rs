#![allow(clippy::unwrap_used)]

use super::*;

fn launch(candidates: &[&str]) -> Launch {
    Launch {
        candidates: candidates.iter().map(|path| std::ffi::CString::new(*path).unwrap()).collect(),
        argv: vec![],
        envp: vec![],
        cwd: c"/".into(),
        identity: None,
    }
}

fn reports(list: &[(u8, u64)]) -> Vec<u8> {
    list.iter().flat_map(|(tag, value)| [&[*tag][..], &value.to_le_bytes()].concat()).collect()
}

#[test]
fn a_pipe_that_closes_after_the_start_means_that_the_program_runs() {
    assert_eq!(outcome(reports(&[(0, 77)]).as_slice(), &launch(&[])), Outcome::Started(77));
}

#[test]
fn a_pipe_that_closes_at_once_means_that_the_child_died() {
    let expected = Outcome::Failed(SpawnFailure::Other, libc::EINTR);
    assert_eq!(outcome([].as_slice(), &launch(&[])), expected);
    assert_eq!(outcome([0, 1].as_slice(), &launch(&[])), expected);
}

#[test]
fn missing_programs_differ_from_useless_ones() {
    let after = |errno: i32, candidates: &[&str]| {
        let errno = u64::try_from(errno).unwrap();
        match outcome(reports(&[(0, 1), (2, errno)]).as_slice(), &launch(candidates)) {
            Outcome::Failed(reason, _) => reason,
            Outcome::Started(_) => panic!("started"),
        }
    };
    assert_eq!(after(libc::ENOENT, &["/none/x"]), SpawnFailure::NotFound);
    // An interpreter is missing.
    assert_eq!(after(libc::ENOENT, &["/none/x", "/proc/self/exe"]), SpawnFailure::NotExecutable);
    assert_eq!(after(libc::EACCES, &["proc/self/maps"]), SpawnFailure::NotExecutable);
    assert_eq!(after(libc::EACCES, &["/none/x"]), SpawnFailure::NotFound);
    assert_eq!(after(libc::ENOEXEC, &["/none/x"]), SpawnFailure::NotExecutable);
    assert_eq!(after(libc::ENOMEM, &["/proc/self/exe"]), SpawnFailure::Other);
}

#[test]
fn the_working_directory_is_told_apart() {
    let errno = u64::try_from(libc::EACCES).unwrap();
    assert_eq!(
        outcome(reports(&[(1, errno)]).as_slice(), &launch(&[])),
        Outcome::Failed(SpawnFailure::WorkingDirectory, libc::EACCES)
    );
}
