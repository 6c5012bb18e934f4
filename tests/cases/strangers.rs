//! What other users of the host can do to a machine. On Linux its name is an abstract socket, which
//! anybody may connect to.

use std::{
    io::{Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    process::Command,
};

use e2e::{
    Scene, lossy,
    processes::PATIENCE,
    qvm_binary, stdout,
    users::{NOBODYS, ordinary, ordinary_uid},
};

/// What a machine's session answers to a client that runs as this user and asks about it.
fn answer_to(uid: u32, name: &str) -> usize {
    let address = format!("qvm/{}/{name}", rustix::process::getuid().as_raw());
    let client = std::thread::spawn(move || {
        // Of this thread alone; it ends with the question.
        if rustix::process::getuid().as_raw() != uid {
            let user = rustix::process::Uid::from_raw(uid);
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        }
        let mut stream =
            UnixStream::connect_addr(&SocketAddr::from_abstract_name(address).unwrap()).unwrap();
        // A frame of one byte, which asks what the machine is.
        let _ = stream.write_all(&[1, 0, 0, 0, 0]);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.read(&mut [0; 4]).unwrap_or(0)
    });
    client.join().unwrap()
}

/// Another user neither sees the machine nor reaches it, not even over its socket.
#[test]
fn other_users_are_strangers() {
    let scene = Scene::new();
    let name = format!("mine-{}", std::process::id());
    let mut main = scene.named(&name, "cat");
    let as_user = |uid: u32, words: &[&str]| {
        let mut qvm = Command::new(qvm_binary());
        ordinary(uid, qvm.args(words)).output().unwrap()
    };
    let own = rustix::process::getuid().as_raw();
    // Only root can be two users; else both are the same one, who is let in.
    let other = ordinary_uid(NOBODYS);
    assert_eq!(answer_to(own, &name), 4);
    assert_eq!(answer_to(other, &name) == 4, other == own);
    assert_eq!(stdout(&as_user(NOBODYS, &["ps"])).contains(&name), other == own);
    let run = as_user(NOBODYS, &["exec", &name, "--", "echo", "in"]);
    assert_eq!(lossy(&run.stdout) == "in\n", other == own, "{}", lossy(&run.stderr));
    if other != own {
        e2e::assert_refused(&run, &[&name]);
    }
    drop(main.stdin.take());
    assert!(main.wait().unwrap().success());
}
