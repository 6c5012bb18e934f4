//! What a server is for still works.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::ExitCode,
    thread,
    time::Duration,
};

use confine::{Child, Entry, What};

use crate::{
    Test,
    launcher::{REFUSED, SOCKET, WEIGHTS, open},
    root::launch,
    runner::refuse,
    world::World,
};

pub fn tests() -> Vec<Test> {
    let test =
        |name: &str, test: fn(&World)| -> Test { (format!("works::{name}"), Box::new(test)) };
    vec![
        test("a_server_serves", |world| {
            ends(world, "serve", "");
            assert_eq!(fs::read(world.path().join("home/kernels/kernel")).unwrap(), b"code");
            fs::remove_file(world.path().join("home/kernels/kernel")).unwrap();
        }),
        test("a_server_ends", |world| {
            assert_eq!(launch(world, "exit").status.code(), Some(3));
            ends(world, "abort", "signal 6\n");
        }),
        test("threads_are_named", |world| {
            ends(world, "name-threads", "named\n");
            ends(world, "name-no-threads", "refused\n");
        }),
        test("devices_are_controlled", |world| {
            ends(world, "gpu", &format!("error {}\n", libc::ENOTTY));
            ends(world, "no-gpu", &format!("error {}\n", libc::EPERM));
        }),
        test("scratch_is_bounded", |world| {
            ends(world, "fill-scratch", &format!("error {}\n", libc::ENOSPC));
        }),
        test("it_inherits_nothing", |world| ends(world, "inherited", "[0, 1, 2] [] \n")),
    ]
}

fn ends(world: &World, case: &str, said: &str) {
    let output = launch(world, case);
    let errors = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(REFUSED.into()), "{case}: {out}{errors}");
    assert_eq!(out, said, "{case}: {errors}");
}

/// Takes layers from this machine, as a container or an old kernel does.
pub fn refuse_layers(case: &str) {
    let numbers: &[i64] = match case {
        "no-namespaces" => &[libc::SYS_unshare],
        "no-landlock" => &[libc::SYS_landlock_create_ruleset],
        "no-filters" => &[libc::SYS_seccomp],
        _ => return,
    };
    refuse(numbers);
}

/// The root of a case that is not the usual.
pub fn change(case: &str, folder: &Path, entries: &mut Vec<Entry>) {
    let file = || open(&folder.join("home/.cache/weights.gguf"));
    let null = || open(Path::new("/dev/null"));
    let (at, what) = match case {
        "folder-as-program" => ("/wrong", What::Execute(open(folder))),
        "file-as-device" => ("/wrong", What::Device(file())),
        "file-as-cache" => ("/wrong", What::Write(file())),
        "device-as-file" => ("/wrong", What::Read(null())),
        "relative" => ("wrong", What::Read(file())),
        "upwards" => ("/models/../wrong", What::Read(file())),
        "through-a-link" => ("/link/wrong", What::Read(file())),
        "in-the-weights" => ("/models/weights.gguf/wrong", What::Read(file())),
        "moved" | "replaced" => {
            let (file, other) = (folder.join("host/mine"), folder.join("host/other"));
            fs::write(&file, "mine").unwrap();
            let opened = open(&file);
            if case == "moved" {
                fs::rename(&file, &other).unwrap();
            } else {
                // The kernel's name for what has none any more.
                fs::remove_file(&file).unwrap();
                fs::write(folder.join("host/mine (deleted)"), "not mine").unwrap();
            }
            fs::write(&file, "not mine").unwrap();
            ("/mine", What::Read(opened))
        }
        "nested" => {
            fs::write(folder.join("host/inner"), "").unwrap();
            ("/models/folder/inner", What::Read(file()))
        }
        "name-no-threads" => {
            entries.retain(|entry| entry.at != Path::new("/proc"));
            ("/proc", What::Processes { names: false })
        }
        _ => return,
    };
    entries.push(Entry { at: at.into(), what });
}

/// What is executed.
pub fn program(case: &str) -> &'static str {
    match case {
        "no-program" => "/bin/nothing",
        "library" => "/lib/libc.so.6",
        "weights" => WEIGHTS,
        _ => crate::launcher::PROGRAM,
    }
}

/// The launcher's part of the case `serve`.
pub fn use_server(_server: &Child) {
    let mut connection = loop {
        match UnixStream::connect(SOCKET) {
            Ok(connection) => break connection,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    connection.write_all(b"question").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "question GGUF");
}

/// The server's part of each case.
pub fn server(case: &str, _rest: &[String]) -> ExitCode {
    match case {
        "serve" => serve(),
        "exit" => return ExitCode::from(3),
        "abort" => std::process::abort(),
        "nested" => assert_eq!(fs::read("/models/folder/inner").unwrap(), b"GGUF"),
        "moved" | "replaced" => assert_eq!(fs::read("/mine").unwrap(), b"mine"),
        "name-threads" | "name-no-threads" => {
            let thread = rustix::thread::gettid().as_raw_nonzero();
            let path = format!("/proc/{}/task/{thread}/comm", std::process::id());
            let named = fs::write(&path, "named").is_ok();
            println!("{}", if named { "named" } else { "refused" });
            assert_eq!(fs::read_to_string(path).unwrap().trim() == "named", named);
        }
        "gpu" | "no-gpu" => {
            let device = File::options().write(true).open("/dev/null").unwrap();
            let error = crate::attempts::check(i64::from(unsafe {
                libc::ioctl(device.as_raw_fd(), 0x4646)
            }));
            println!("error {}", error.unwrap_err().raw_os_error().unwrap());
        }
        "fill-scratch" => {
            let mut file = File::create("/run/model/file").unwrap();
            let error = (0..3).find_map(|_| file.write_all(&[1; 1 << 19]).err()).unwrap();
            println!("error {}", error.raw_os_error().unwrap());
        }
        "inherited" => {
            let open: Vec<i32> =
                (0..1024).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).collect();
            let secret: Vec<_> = std::env::vars().filter(|(name, _)| name == "SECRET").collect();
            let mut input = String::new();
            std::io::stdin().read_to_string(&mut input).unwrap();
            println!("{open:?} {secret:?} {input}");
        }
        _ => panic!("{case}"),
    }
    REFUSED.into()
}

fn serve() {
    let listener = UnixListener::bind(SOCKET).unwrap();
    let workers: Vec<_> =
        (0..16).map(|number| thread::spawn(move || vec![number; 1 << 16].len())).collect();
    assert!(workers.into_iter().all(|worker| worker.join().unwrap() == 1 << 16));
    // Files, of which some may be written.
    fs::create_dir("/run/model/folder").unwrap();
    fs::write("/run/model/folder/file", "text").unwrap();
    fs::rename("/run/model/folder/file", "/run/model/folder/other").unwrap();
    fs::remove_dir_all("/run/model/folder").unwrap();
    fs::write("/kernels/kernel", "code").unwrap();
    fs::write("/dev/null", "nothing").unwrap();
    assert!(fs::read_dir("/models/folder").unwrap().all(|entry| entry.is_ok()));
    let weights = fs::read_to_string("/link").unwrap();
    assert!(fs::read_to_string("/proc/self/status").unwrap().contains("Seccomp:\t2"));
    rustix::fs::memfd_create(c"x", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    let mut question = [0; 8];
    connection.read_exact(&mut question).unwrap();
    write!(connection, "{} {weights}", std::str::from_utf8(&question).unwrap()).unwrap();
}
