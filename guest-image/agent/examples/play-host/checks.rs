//! What a guest must be able to do.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use agent_protocol::{CommandSpec, FromCommand, StreamKind, TerminalSize, ToAgent, ToCommand};

use super::link::{Host, send, until};

/// Scripts for `sh -c`, with what they print. They run in the workspace as the caller.
const SCRIPTS: &[(&str, &str)] = &[
    ("id -u; id -g; id -G; id -un; id -gn", "1234\n1235\n1235\nme\nus\n"),
    (
        "pwd; echo $HOME; echo ~me; hostname; umask",
        "/home/me/src/proj\n/home/me\n/home/me\nbox\n0022\n",
    ),
    (
        "cat seed; echo new > made; cat made; stat -c '%u %g' . .. ~",
        "seed\nnew\n1234 1235\n1234 1235\n1234 1235\n",
    ),
    ("ls -A ..; ls -A ~; ls -A /home", "proj\nsrc\nme\n"),
    (
        "ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj /proc/1/oom_score_adj",
        "1024\n524288\n0\n0\n-1000\n",
    ),
    (
        "grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status",
        "CapEff:\t0000000000000000\nNoNewPrivs:\t0\n",
    ),
    (
        "unshare -Ur id -u; unshare -Urm sh -c 'mount -t tmpfs x /mnt && echo mounted'",
        "0\nmounted\n",
    ),
    (
        "cat /proc/self/cgroup | sed 's/[0-9]*$//'; cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cgroup.controllers",
        "0::/command-\ncpuset cpu io memory hugetlb pids rdma misc\n",
    ),
    ("mkdir /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/mine && echo divided", "divided\n"),
    (
        "echo x > /dev/shm/x; cat /dev/shm/x; echo a | cat /dev/stdin; echo b > /dev/stdout; ls -l /dev/fd/ | grep -c pipe",
        "x\na\nb\n3\n",
    ),
    (
        "stat -c %a /tmp /dev/shm /run /dev/null /dev/fuse /dev/net/tun /dev/ptmx",
        "1777\n1777\n755\n666\n666\n666\n666\n",
    ),
    (
        "grep me: /etc/subuid /etc/subgid",
        "/etc/subuid:me:100000:65536\n/etc/subgid:me:100000:65536\n",
    ),
    (
        "ls -d /sys/class/net/*; getent hosts localhost box | cut -d' ' -f1",
        "/sys/class/net/lo\n::1\n127.0.1.1\n",
    ),
    ("getent hosts example.org; echo $?", "2\n"),
    (
        "touch /usr/x 2>&1 | grep -c denied; test -e /modules || test -e /init || echo gone",
        "1\ngone\n",
    ),
    (
        "python3 -c 'import os; os.rename(\"/tmp\", \"/tmpx\")' 2>&1 | tail -1 | cut -d: -f1",
        "PermissionError\n",
    ),
    ("(sleep 100 & sleep 100 & setsid sleep 100 &) ; echo left behind", "left behind\n"),
    ("bash -c 'exec 3<>/dev/tcp/localhost/8080; echo hi >&3; head -1 <&3; exec 3>&-'", "hi\n"),
    (
        "awk '{print $2, $3}' /proc/mounts | tr '\\n' ';'",
        "/ overlay;/proc proc;/sys sysfs;/dev devtmpfs;/dev/pts devpts;/dev/shm tmpfs;/dev/mqueue mqueue;/run tmpfs;/tmp tmpfs;/sys/fs/cgroup cgroup2;/sys/fs/fuse/connections fusectl;/sys/kernel/security securityfs;/home/me/src/proj virtiofs;",
    ),
    ("test $(($(date +%s) - $(cat now))) -lt 60 && echo on time", "on time\n"),
];

pub fn shell(script: &str) -> CommandSpec {
    CommandSpec {
        argv: [b"sh".as_slice(), b"-c", script.as_bytes()].map(<[u8]>::to_vec).to_vec(),
        env: vec![(b"TERM".to_vec(), b"dumb".to_vec())],
        cwd: b"/home/me/src/proj".to_vec(),
        terminal: None,
        as_root: false,
        main: false,
    }
}

/// Runs all; returns how many failed.
pub fn all(host: &Host, control: &UnixStream) -> usize {
    let mut failed = 0;
    let mut check = |name: &str, right: bool, got: &dyn std::fmt::Debug| {
        if !right {
            failed += 1;
            println!("FAILED {name}: {got:?}");
        } else {
            println!("ok {name}");
        }
    };
    let begin = Instant::now();
    let (started, ..) = host.spawn(control, shell("true")).finish(b"");
    println!(
        "first command started at {:.2} ms, took {:?}",
        super::machine::millis(started),
        begin.elapsed()
    );
    let begin = Instant::now();
    host.spawn(control, shell("true")).finish(b"");
    println!("second command took {:?}", begin.elapsed());
    for (script, expected) in SCRIPTS {
        let (_, out, err, end) = host.spawn(control, shell(script)).finish(b"");
        let right = out == expected.as_bytes() && end == FromCommand::Exited(0) && err.is_empty();
        check(script, right, &(String::from_utf8_lossy(&out), String::from_utf8_lossy(&err), end));
    }
    let end = |spec| host.spawn(control, spec).finish(b"").3;
    check("status", end(shell("exit 7")) == FromCommand::Exited(7), &());
    check("signal", end(shell("kill -KILL $$")) == FromCommand::Signaled(9), &());
    let mut absent = shell("");
    absent.argv = vec![b"no-such".to_vec()];
    let missing = end(absent);
    check("missing", matches!(missing, FromCommand::Failed { .. }), &missing);
    let root =
        CommandSpec { as_root: true, ..shell("id -u; echo $HOME; dmesg >/dev/null && echo log") };
    let (_, out, ..) = host.spawn(control, root).finish(b"");
    check("root", out == b"0\n/root\nlog\n", &String::from_utf8_lossy(&out));

    let megabytes =
        std::env::var("MEGABYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let sent: Vec<u8> = (0u32..)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .take(megabytes << 20)
        .collect();
    let begin = Instant::now();
    let mut running = host.spawn(control, shell(&format!("cat | head -c {}", sent.len())));
    let mut input = running.take(StreamKind::Stdin);
    let mut output = running.take(StreamKind::Stdout);
    let copy = sent.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy));
    let mut received = Vec::new();
    output.read_to_end(&mut received).unwrap();
    writer.join().unwrap().unwrap();
    println!("{megabytes} MiB in and out took {:?}", begin.elapsed());
    check("bytes", received == sent, &received.len());
    terminal(host, control, &mut check);

    let mut server = host.spawn(control, shell("echo hello | python3 -c 'import socket,sys; s=socket.create_server((\"127.0.0.1\", 9000)); print(\"up\", flush=True); c=s.accept()[0]; c.sendall(c.recv(9).upper()); c.close()'"));
    let mut output = server.take(StreamKind::Stdout);
    until(&mut output, "up");
    let mut dialed = host.dial(control, 9000);
    dialed.write_all(b"hello").unwrap();
    let mut text = String::new();
    dialed.read_to_string(&mut text).unwrap();
    check("dialed", text == "HELLO", &text);

    send(control, &ToAgent::SetTime { unix_nanos: 4_000_000_000_000_000_000 });
    let (_, out, ..) = host.spawn(control, shell("date +%s")).finish(b"");
    check("clock", out.starts_with(b"400000000"), &String::from_utf8_lossy(&out));
    if std::env::var_os("MAIN").is_some() {
        let begin = Instant::now();
        let main = CommandSpec {
            main: true,
            ..shell("(sleep 100; trap '' TERM; sleep 1000) & echo last > last; exit 9")
        };
        let end = end(main);
        check("main", end == FromCommand::Exited(9), &end);
        println!("main took {:?}", begin.elapsed());
    }
    failed
}

fn terminal(
    host: &Host,
    control: &UnixStream,
    check: &mut dyn FnMut(&str, bool, &dyn std::fmt::Debug),
) {
    let mut spec = shell("");
    spec.argv.clear();
    spec.terminal = Some(TerminalSize { rows: 30, columns: 100 });
    spec.env.push((b"PS1".to_vec(), b"$ ".to_vec()));
    let mut running = host.spawn(control, spec);
    let mut screen = running.take(StreamKind::Terminal);
    until(&mut screen, "$ ");
    let mut say = |text: &str, mark: &str| {
        screen.write_all(text.as_bytes()).unwrap();
        until(&mut screen, mark)
    };
    let size = say("stty size; shopt -q login_shell && echo 'a login' shell; tty\n", "/dev/pts/");
    check("login shell and size", size.contains("30 100") && size.contains("a login shell"), &size);
    send(&running.connection, &ToCommand::Resize(TerminalSize { rows: 40, columns: 120 }));
    let size = say("\nstty size; echo 'm'ark\n", "mark");
    check("resize", size.contains("40 120"), &size);
    say("sleep 1000\n", "1000\r\n");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let status = say("\x03", "^C") + &say("echo \"st\"=$?=\n", "\nst=");
    let status = status + &until(&mut screen, "=\r\n");
    check("interrupt", status.contains("\nst=130="), &status);
    screen.write_all(b"exit 5\n").unwrap();
    let mut rest = Vec::new();
    let _ = screen.read_to_end(&mut rest);
    let _: FromCommand = super::link::receive(&running.connection);
    let end: FromCommand = super::link::receive(&running.connection);
    check("terminal's end", end == FromCommand::Exited(5), &end);
}
