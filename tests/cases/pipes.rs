//! Standard streams without a terminal: three clean byte pipes.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    io::Read,
    process::Stdio,
};

use e2e::{Scene, feed, lossy};

/// Bytes that do not repeat within reach of a buffer.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// 100 MB in, 100 MB out, the same; standard error apart from it.
#[test]
fn a_hundred_megabytes_both_ways() {
    let scene = Scene::new();
    let input = noise(100_000_000);
    let expected = hash(&input);
    let output = feed(scene.start("echo apart >&2; cat; echo again >&2"), input);
    assert!(output.status.success(), "{}", lossy(&output.stderr));
    assert_eq!(output.stdout.len(), 100_000_000);
    assert_eq!(hash(&output.stdout), expected);
    assert_eq!(lossy(&output.stderr), "apart\nagain\n");
}

/// The issue's own line: a file through standard input into the workspace.
#[test]
fn standard_input_into_a_file() {
    let scene = Scene::new();
    let input = noise(100_000_000);
    let output = feed(scene.start("cat > copy"), input.clone());
    assert!(output.status.success(), "{}", lossy(&output.stderr));
    assert!(std::fs::read(scene.file("copy")).unwrap() == input, "the copy differs");
}

/// A closed or empty standard input is an end of file, not an error.
#[test]
fn standard_input_closed() {
    let scene = Scene::new();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec \"$@\" <&-", "sh"]);
    let qvm = scene.qvm();
    shell.arg(qvm.get_program()).args(qvm.get_args()).args(["--", "sh", "-c", "cat; echo end"]);
    let output = shell.output().unwrap();
    assert_eq!(lossy(&output.stdout), "end\n", "{}", lossy(&output.stderr));
    assert_eq!(lossy(&scene.sh("cat; echo end").stdout), "end\n");
}

/// A reader that leaves early ends the writer, as with a local pipe.
#[test]
fn a_reader_that_leaves_ends_the_writer() {
    let scene = Scene::new();
    let mut child = scene.qvm().args(["--", "yes"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0u8; 4];
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"y\ny\n");
    drop(stdout);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(141), "128 + SIGPIPE");
}

/// Output that comes after a pause is not held back, and input reaches a command that waits.
#[test]
fn a_dialogue() {
    use std::io::{BufRead, BufReader, Write};
    let scene = Scene::new();
    let mut child = scene.start("while read line; do echo got $line; done; echo bye");
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for word in ["one", "two"] {
        writeln!(input, "{word}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, format!("got {word}\n"));
    }
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bye\n");
    assert!(child.wait().unwrap().success());
}

/// SIGTERM and SIGINT for qvm reach the command, which may answer as it likes.
#[test]
fn signals_reach_the_command() {
    use std::io::{BufRead, BufReader};
    let scene = Scene::new();
    for (signal, word) in [("TERM", "term"), ("INT", "int"), ("USR1", "usr1")] {
        let script =
            format!("trap 'echo {word}; exit 9' {signal}; echo ready; while :; do sleep 0.1; done");
        let mut child = scene.start(&script);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let number = match signal {
            "TERM" => rustix::process::Signal::TERM,
            "INT" => rustix::process::Signal::INT,
            _ => rustix::process::Signal::USR1,
        };
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, number).unwrap();
        line.clear();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{word}\n"));
        assert_eq!(child.wait().unwrap().code(), Some(9));
    }
}
