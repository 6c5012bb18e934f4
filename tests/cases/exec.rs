//! Further commands in a running machine, its listing, and its published ports.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use e2e::{Scene, lossy, processes::until, qvm_binary, stdout};

/// Several commands at once in one machine; each with its own streams and status.
#[test]
fn exec_into_a_named_machine() {
    let scene = Scene::new();
    let name = format!("exec-{}", std::process::id());
    let mut main = scene.named(&name, "cat > /tmp/from-main; sleep 600");
    let exec = |script: &str| {
        let mut command = Command::new(qvm_binary());
        command.args(["exec", &name, "--", "sh", "-c", script]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let children: Vec<_> =
        (0..4).map(|i| exec(&format!("cat; echo err{i} >&2; exit {i}")).spawn().unwrap()).collect();
    for (i, child) in children.into_iter().enumerate() {
        let input = format!("input {i}").into_bytes();
        let output = e2e::feed(child, input.clone());
        assert_eq!(output.stdout, input);
        assert_eq!(lossy(&output.stderr), format!("err{i}\n"));
        assert_eq!(output.status.code(), Some(i32::try_from(i).unwrap()));
    }
    let listed = Command::new(qvm_binary()).args(["ps", "--json"]).output().unwrap();
    assert!(stdout(&listed).contains(&name));
    let same = exec("pwd; id -u").output().unwrap();
    assert!(stdout(&same).starts_with(scene.workspace.to_str().unwrap()));
    let twice = scene.qvm().args(["--name", &name, "--", "true"]).output().unwrap();
    e2e::assert_refused(&twice, &[&name, "already runs"]);

    rustix::process::kill_process(
        rustix::process::Pid::from_child(&main),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(main.wait().unwrap().code(), Some(143));
    until("the name is gone", || {
        (!e2e::processes::sockets().iter().any(|s| s.ends_with(&name))).then_some(())
    });
    let gone = exec("true").output().unwrap();
    e2e::assert_refused(&gone, &[&name]);
}

/// C18: a published port leads to a server in the guest, and only from the loopback.
#[test]
fn published_port() {
    let scene = Scene::new();
    let script = "import socket
s = socket.socket(); s.bind(('127.0.0.1', 5000)); s.listen(); print('listening', flush=True)
for _ in range(2):
    c, _ = s.accept(); data = b''
    while (d := c.recv(65536)): data += d
    c.sendall(data[::-1]); c.close()";
    let mut command = scene.qvm();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.args(["-p", &format!("{port}:5000"), "--", "python3", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "listening\n");
    for size in [3usize, 1_000_000] {
        let sent: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&sent).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got.iter().rev().eq(sent.iter()), "{} bytes came back", got.len());
    }
    assert!(child.wait().unwrap().success());
}

/// Eight machines at once, each in its own workspace.
#[test]
fn eight_machines_at_once() {
    let scenes: Vec<Scene> = (0..8).map(|_| Scene::new()).collect();
    let children: Vec<_> = scenes
        .iter()
        .enumerate()
        .map(|(i, scene)| {
            let mut command = scene.qvm();
            command.args(["--memory", "256"]);
            command.args(["--", "sh", "-c", &format!("echo {i} > made; cat made; exit {i}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (i, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(i32::try_from(i).unwrap()),
            "{}",
            lossy(&output.stderr)
        );
        assert_eq!(lossy(&output.stdout), format!("{i}\n"));
    }
}
