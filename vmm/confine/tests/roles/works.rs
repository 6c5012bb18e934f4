//! What a confined process is for still works.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    process::ExitCode,
    thread,
};

use confine::{LayerName, Role, probe};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, mkdirat, mknodat, openat, renameat, statat, symlinkat,
    unlinkat,
};
use rustix::process::{Resource, getrlimit};

use crate::{
    Test,
    child::{How, Knows, REFUSED},
    outside::Outside,
};

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for role in [Role::Fs, Role::Vsock, Role::Vmm, Role::Bridge] {
        for how in [How::Sealed, How::Container] {
            tests.push((
                format!("works::{role}_{}", how.name()),
                Box::new(move |outside| works(outside, role, how)),
            ));
        }
    }
    tests.push(("works::report_tells_layers".to_owned(), Box::new(report)));
    tests
}

fn works(outside: &Outside, role: Role, how: How) {
    let output = outside.command("work", &[role.name(), how.name()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{role}: {:?} {said}", output.status);
}

fn report(outside: &Outside) {
    let support = probe();
    // A model server's launcher is nothing in a container: see `model.rs`.
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Model) {
        let output = outside.command("report", &[role.name(), "unsealed"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(REFUSED.into()), "{said}{:?}", output.stderr);
        if support.user_namespace.is_active() && support.landlock.is_active() {
            assert!(!said.contains("missing"), "{said}");
        }
        if role == Role::Fs {
            // As many as a large tree has files, or all that there may be.
            let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
            let told = |count: u64| said.contains(&format!("{count} descriptors, "));
            assert!(told(1 << 20) || (hard < 1 << 20 && told(hard)), "{said}");
        }
        let output = outside.command("report", &[role.name(), "container"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let line = |name: LayerName| {
            let line = said.lines().find(|line| line.trim_start().starts_with(name.name()));
            line.unwrap_or_default().to_owned()
        };
        assert!(line(LayerName::UserNamespace).contains("missing: refused"), "{said}");
        assert!(line(LayerName::Root).contains("missing"), "{said}");
        assert!(line(LayerName::Capabilities).contains("no_new_privs"), "{said}");
    }
}

/// Does the role's work in this process.
pub fn work(role: Role, knows: &Knows) -> ExitCode {
    threads();
    sockets();
    if role == Role::Fs {
        files(knows);
    }
    if matches!(role, Role::Vsock | Role::Bridge) {
        let (mut a, mut b) = UnixStream::pair().unwrap();
        a.write_all(b"pair").unwrap();
        b.read_exact(&mut [0; 4]).unwrap();
        if role == Role::Bridge {
            bridge(a, b);
        }
    }
    REFUSED.into()
}

fn threads() {
    let all: Vec<_> = (0..8)
        .map(|number| {
            let builder = thread::Builder::new().name(format!("worker {number}"));
            builder.spawn(move || vec![number; 1 << 20].len()).unwrap()
        })
        .collect();
    for each in all {
        assert_eq!(each.join().unwrap(), 1 << 20);
    }
    let mut big: Vec<u8> = Vec::new();
    for _ in 0..64 {
        big.extend_from_slice(&[1; 1 << 16]);
    }
    thread::sleep(std::time::Duration::from_millis(1));
    let map: std::collections::HashMap<_, _> = [(1, big.len())].into();
    assert_eq!(map[&1], 64 << 16);
}

fn sockets() {
    let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    rustix::io::write(&event, &1_u64.to_ne_bytes()).unwrap();
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    rustix::event::epoll::add(
        &epoll,
        &event,
        rustix::event::epoll::EventData::new_u64(1),
        rustix::event::epoll::EventFlags::IN,
    )
    .unwrap();
    let mut events = Vec::with_capacity(1);
    let space = rustix::buffer::spare_capacity(&mut events);
    assert_eq!(rustix::event::epoll::wait(&epoll, space, None).unwrap(), 1);
}

/// What an event loop asks of a connection, and how one is handed over.
fn bridge(a: UnixStream, b: UnixStream) {
    use rustix::net::{RecvFlags, SendFlags, SocketType, recv, send};
    assert!(a.take_error().unwrap().is_none());
    assert!(a.peer_addr().unwrap().is_unnamed());
    assert!(a.local_addr().unwrap().is_unnamed());
    a.set_nonblocking(true).unwrap();
    b.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let (one, two) = rustix::net::socketpair(
        rustix::net::AddressFamily::UNIX,
        SocketType::SEQPACKET,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    send(&one, b"message", SendFlags::NOSIGNAL).unwrap();
    assert_eq!(recv(&two, &mut [0_u8; 16], RecvFlags::empty()).unwrap().1, 7);
    b.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let [mut a, mut b] = [a, b].map(|each| tokio::net::UnixStream::from_std(each).unwrap());
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            b.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        // More than a socket holds, so both wait.
        a.write_all(&vec![7; 1 << 22]).await.unwrap();
        a.shutdown().await.unwrap();
        assert_eq!(reader.await.unwrap(), 1 << 22);
    });
}

fn files(knows: &Knows) {
    let root = knows.confined.root.as_ref().unwrap();
    let open = |path: &str, flags| openat(root, path, flags | OFlags::CLOEXEC, Mode::from(0o644));
    let mut text = String::new();
    std::fs::File::from(open("file", OFlags::RDONLY).unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "shared");
    let known = open("file", OFlags::PATH).unwrap();
    let own = knows.confined.descriptors.as_ref().unwrap();
    let number = rustix::path::DecInt::from_fd(&known);
    openat(own, number, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let mut new = std::fs::File::from(open("new", OFlags::CREATE | OFlags::RDWR).unwrap());
    new.write_all(b"new").unwrap();
    new.sync_all().unwrap();
    new.set_len(1).unwrap();
    renameat(root, "new", root, "inner/new").unwrap();
    let owner = statat(root, "file", AtFlags::empty()).unwrap().st_uid;
    let made = statat(root, "inner/new", AtFlags::empty()).unwrap();
    assert_eq!((made.st_uid, made.st_size), (owner, 1));
    unlinkat(root, "inner/new", AtFlags::empty()).unwrap();
    for kind in [FileType::Fifo, FileType::Socket, FileType::RegularFile] {
        mknodat(root, "node", kind, Mode::from(0o600), 0).unwrap();
        unlinkat(root, "node", AtFlags::empty()).unwrap();
    }
    mkdirat(root, "folder", Mode::from(0o755)).unwrap();
    symlinkat("../anywhere", root, "folder/link").unwrap();
    unlinkat(root, "folder/link", AtFlags::empty()).unwrap();
    unlinkat(root, "folder", AtFlags::REMOVEDIR).unwrap();
    let folder = open(".", OFlags::RDONLY | OFlags::DIRECTORY).unwrap();
    let names: Vec<_> = rustix::fs::Dir::new(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    assert!(names.contains(&c"inner".to_owned()), "{names:?}");
}
