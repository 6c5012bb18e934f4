//! The host's part, from the first dial to the end.

use std::time::{Instant, SystemTime};

use agent_protocol::{
    Forward, FromAgent, GuestConfig, Share, ToAgent, User, VERSION, WORKSPACE_TAG,
};

use crate::{checks, link, machine};

/// Boots, plays, and ends the program.
pub fn play() -> ! {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kernel, initrd, image, workspace] = arguments.as_slice() else {
        eprintln!("usage: play-host KERNEL INITRD IMAGE WORKSPACE");
        std::process::exit(2);
    };
    let begin = Instant::now();
    let mut machine = machine::Machine::start(kernel, initrd, image, workspace);
    let host = link::Host::new(machine.ports.try_clone().unwrap());
    let control = host.control();
    println!("dialed after {:?}", begin.elapsed());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let share = std::env::var("SHARE").unwrap_or_else(|_| "/home/me/src/proj".into());
    let config = GuestConfig {
        version: VERSION,
        hostname: "box".into(),
        user: User {
            name: "me".into(),
            uid: 1234,
            gid: 1235,
            group: "us".into(),
            home: b"/home/me".to_vec(),
        },
        shares: vec![Share {
            tag: WORKSPACE_TAG.into(),
            path: share.into_bytes(),
            read_only: false,
        }],
        unix_nanos: u64::try_from(now).unwrap(),
        forwards: vec![Forward { tcp_port: 8080, vsock_port: machine::ECHO_PORT }],
        modules: vec!["tun".into()],
        files: Vec::new(),
    };
    link::send(&control, &ToAgent::Configure(config));
    match link::receive(&control) {
        FromAgent::Ready { started_nanos, ready_nanos } => println!(
            "agent started at {:.1} ms of the guest's clock, ready {:.2} ms later",
            machine::millis(started_nanos),
            machine::millis(ready_nanos - started_nanos)
        ),
        other => panic!("{other:?}"),
    }
    let failed = checks::all(&host, &control);
    if std::env::var_os("MAIN").is_none() {
        link::send(&control, &ToAgent::Shutdown);
        let stop = Instant::now();
        assert_eq!(link::receive::<FromAgent>(&control), FromAgent::Stopped);
        println!("stopped after {:?}", stop.elapsed());
    }
    drop(control);
    println!("QEMU ended with {:?} after {:?}", machine.wait(), begin.elapsed());
    std::process::exit(i32::from(failed > 0));
}
