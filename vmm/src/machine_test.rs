//! Whole machines with kernels of a few bytes, on this machine's own KVM.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Read;

use super::*;
use crate::testing::{code, file};

fn spec(code: &[u8], kvm: Option<OwnedFd>) -> MachineSpec {
    MachineSpec {
        cpus: 1,
        memory: 64 << 20,
        kernel: file(&code::kernel(code)),
        initrd: vec![file(b"initrd")],
        cmdline: "panic=-1".to_owned(),
        disks: Vec::new(),
        vhost_user: vec![],
        local: vec![],
        rng: true,
        balloon: true,
        serial: None,
        kvm,
        stop: None,
        first_entry: None,
    }
}

/// Runs `code` to the machine's end, which has to be `expected`.
fn ends(code: &[u8], expected: Exit) {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let outcome = Machine::new(spec(code, Some(kvm))).unwrap().run().unwrap();
    assert_eq!(outcome.exit, expected);
    assert!(outcome.notes.is_empty(), "{:?}", outcome.notes);
}

#[test]
fn power_off() {
    ends(&code::power_off(), Exit::PowerOff);
}

#[test]
fn reset() {
    ends(&code::reset(), Exit::Reset);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn reset_by_the_keyboard_controller() {
    ends(&code::out(0x64, 0xfe), Exit::Reset);
}

#[test]
fn a_reported_panic() {
    ends(&code::panic(), Exit::Panicked);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn triple_fault() {
    // An empty interrupt table, and an undefined instruction.
    ends(&[0x0f, 0x0b], Exit::TripleFault);
}

/// Brings the first virtio device up with one queue of 64 whose tables are at these addresses.
fn start([descriptors, available, used]: [u32; 3]) -> Vec<u8> {
    let steps = [
        (0x70, 1),
        (0x70, 3),
        (0x24, 1),
        (0x20, 1),
        (0x70, 0xb),
        (0x80, descriptors),
        (0x90, available),
        (0xa0, used),
        (0x44, 1),
        (0x70, 0xf),
    ];
    code::stores(&steps.map(|(register, value)| (register + code::WINDOW, value)))
}

#[test]
fn devices_say_what_went_wrong_and_why() {
    let [descriptors, available, used] = [0, 0x1000, 0x2000].map(|offset| code::FREE + offset);
    let crooked = start([descriptors + 1, available, used]);
    // A hundred chains in a queue of 64, then a wait for `DEVICE_NEEDS_RESET`.
    let broken = [
        code::stores(&[(available, 100 << 16)]),
        start([descriptors, available, used]),
        code::wait_for_bit_6(code::WINDOW + 0x70),
    ]
    .concat();
    let refused = code::stores(&[(code::WINDOW + 0x70, 7)]);
    let crooked_note = format!(
        "the entropy device did not start: the driver set up queue 0 wrongly: \
         the descriptor table at {:#x} is not aligned to 16",
        descriptors + 1
    );
    let notes = [
        (crooked, crooked_note.as_str()),
        (broken, "the entropy device stopped: its driver broke a queue, or the host failed it"),
        (refused, "the entropy device refused an access: write of 0x7 to register 0x70"),
    ];
    for (code, note) in notes {
        let Some(kvm) = crate::testing::kvm() else {
            return;
        };
        let code = [code, code::power_off()].concat();
        let outcome = Machine::new(spec(&code, Some(kvm))).unwrap().run().unwrap();
        assert_eq!((outcome.exit, outcome.notes), (Exit::PowerOff, vec![note.to_owned()]));
    }
}

#[test]
fn console_output_arrives_and_first_entry_is_told() {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let code = [code::say(b"hi\n"), code::power_off()].concat();
    let (told, tell) = std::sync::mpsc::channel();
    let mut spec = spec(&code, Some(kvm));
    spec.serial = Some(writer);
    spec.first_entry = Some(Box::new(move || told.send(()).unwrap()));
    Machine::new(spec).unwrap().run().unwrap();
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hi\n");
    tell.try_recv().unwrap();
}

#[test]
fn the_stop_event_ends_a_guest_that_never_exits() {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    for hang_up in [false, true] {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut spec = spec(&code::spin(), Some(kvm.try_clone().unwrap()));
        spec.stop = Some(reader);
        spec.cpus = 4;
        let machine = Machine::new(spec).unwrap();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            if !hang_up {
                rustix::io::write(&writer, b"x").unwrap();
            }
        });
        assert_eq!(machine.run().unwrap().exit, Exit::Stopped);
        stopper.join().unwrap();
    }
}

#[test]
fn bad_specs_are_explained() {
    assert!(matches!(Machine::new(spec(&code::spin(), None)), Err(Error::NoKvm)));
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    for (cpus, memory, word) in [
        (0, 64 << 20, "0 CPUs"),
        (33, 64 << 20, "33 CPUs"),
        (1, 10 << 40, "all that this host has"),
        (1, 1 << 20, "at least 64 MiB"),
    ] {
        let mut spec = spec(&code::spin(), Some(kvm.try_clone().unwrap()));
        (spec.cpus, spec.memory) = (cpus, memory);
        let error = Machine::new(spec).err().unwrap().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_backend_that_hangs_up_ends_the_machine_by_name() {
    use std::os::unix::net::UnixStream;
    use virtio_devices::{rng::Rng, transport::vhost_user};

    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let (ours, theirs) = UnixStream::pair().unwrap();
    let hang_up = theirs.try_clone().unwrap();
    let backend = std::thread::spawn(move || vhost_user::serve(&mut Rng::new(), theirs));
    let mut spec = spec(&code::spin(), Some(kvm));
    spec.vhost_user.push(VhostUserSpec {
        name: "workspace".to_owned(),
        device_type: 4,
        queue_sizes: vec![64],
        socket: ours,
        config: vec![],
    });
    spec.first_entry = Some(Box::new(move || {
        hang_up.shutdown(std::net::Shutdown::Both).unwrap();
    }));
    let error = Machine::new(spec).unwrap().run().unwrap_err();
    assert!(error.to_string().contains("workspace"), "{error}");
    let _ = backend.join().unwrap();
}
