//! What the guest reaches with a model: that, and nothing more.

use std::{io::ErrorKind, net::TcpListener};

use e2e::{
    model::Setting,
    scripted::{Scripted, Turn},
    stdout,
};

/// C01, C02, C03, C04: the model at its port; no other port of the host's, by vsock or IP.
#[test]
fn the_model_and_nothing_else() {
    let setting = Setting::new();
    let server = Scripted::on_loopback(|_| Turn::say("hello"));
    let upstream: u16 = server.upstream().rsplit(':').next().unwrap().parse().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    other.set_nonblocking(true).unwrap();
    let script = format!(
        r#"
import os, socket, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8080/health").read().decode())
print("nics", sorted(os.listdir("/sys/class/net")))
addresses = ["127.0.0.1", "127.0.0.2", "10.0.2.2", "10.0.2.3", "192.168.0.1", "169.254.169.254",
             "1.1.1.1", "::1", "fe80::1%lo", "2606:4700:4700::1111"]
for address in addresses:
    for port in ({port}, {upstream}, 22, 53, 80, 443):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as s:
            s.settimeout(3)
            try:
                s.connect((address, port)); print("REACHED", address, port)
            except OSError: pass
for name in ("example.com", "localhost.example.com"):
    try:
        socket.getaddrinfo(name, 80); print("RESOLVED", name)
    except OSError: pass
for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    with open("/proc/net/route") as f: print("routes", len(f.readlines()) - 1)
found = []
ports = list(range(1, 2001)) + [{port}, {upstream}, 8080, 8081, 9931, 65535, 65536, 0x7fffffff, 0xfffffffe]
for cid, p in [(2, p) for p in ports] + [(c, p) for c in (0, 1, 3, 4, 0xffffffff) for p in (1024, 8080, {port})]:
    with socket.socket(socket.AF_VSOCK) as s:
        # What nobody routes is only waited for, so not for long.
        s.settimeout(3 if cid == 2 else 0.5)
        try:
            s.connect((cid, p)); found.append((cid, p))
        except OSError: pass
print("vsock", len(found), found)
"#
    );
    let text =
        stdout(&setting.with(&server).args(["--", "python3", "-c", &script]).output().unwrap());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], [r#"{"status":"ok"}"#, "nics ['lo']", "routes 0", "routes 0"], "{text}");
    // The session's port, on which only the agent is answered, the model's and the one for switching.
    assert_eq!(lines[4..], ["vsock 3 [(2, 1024), (2, 8080), (2, 8081)]"], "{text}");
    assert_eq!(other.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// `--no-model`: there is none, even if one is configured.
#[test]
fn no_model() {
    let setting = Setting::new();
    setting.add("tiny", &setting.tiny("tiny"), &["--default"]);
    let script = r#"
import socket
for port in (8080, 8081):
    with socket.socket() as s: print(port, s.connect_ex(("127.0.0.1", port)) != 0)
found = []
for p in range(1, 2001):
    with socket.socket(socket.AF_VSOCK) as s:
        s.settimeout(3)
        if s.connect_ex((2, p)) == 0: found.append(p)
print(found)
"#;
    let output =
        setting.qvm().args(["--no-model", "--", "python3", "-c", script]).output().unwrap();
    assert_eq!(stdout(&output), "8080 True\n8081 True\n[1024]\n");
}
