//! Whole machines with kernels of a few bytes, on this machine's own KVM.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};

use super::*;

const PVH_ENTRY: u32 = 0x10_0000;

fn memfd(bytes: &[u8]) -> File {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file: File = rustix::fs::memfd_create("test", flags).unwrap().into();
    file.write_all(bytes).unwrap();
    file
}

fn spec(code: &[u8], kvm: Option<OwnedFd>) -> MachineSpec {
    MachineSpec {
        cpus: 1,
        memory: 64 << 20,
        kernel: memfd(&crate::testing::elf_kernel(u64::from(PVH_ENTRY), PVH_ENTRY, code)),
        initrd: vec![memfd(b"initrd")],
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

/// Runs `code` in flat 32-bit mode to the machine's end, which has to be `expected`.
fn ends(code: &[u8], expected: Exit) {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let outcome = Machine::new(spec(code, Some(kvm))).unwrap().run().unwrap();
    assert_eq!(outcome.exit, expected);
    assert!(outcome.notes.is_empty(), "{:?}", outcome.notes);
}

/// `mov dx, port; mov al, value; out dx, al; hlt`.
fn out(port: u16, value: u8) -> Vec<u8> {
    let [low, high] = port.to_le_bytes();
    vec![0x66, 0xba, low, high, 0xb0, value, 0xee, 0xf4]
}

#[test]
fn power_off() {
    ends(&out(crate::legacy::power::SLEEP_CONTROL, 0x34), Exit::PowerOff);
}

#[test]
fn reset_by_either_port() {
    ends(&out(crate::legacy::power::RESET, 1), Exit::Reset);
    ends(&out(0x64, 0xfe), Exit::Reset);
}

#[test]
fn panic_port() {
    ends(&out(crate::legacy::pvpanic::PORT, 1), Exit::Panicked);
}

#[test]
fn triple_fault() {
    // An empty interrupt table, and an undefined instruction.
    ends(&[0x0f, 0x0b], Exit::TripleFault);
}

/// `mov dword [address], value`, one after the other.
fn stores(writes: &[(u32, u32)]) -> Vec<u8> {
    let store = |(address, value): &(u32, u32)| {
        [&[0xc7, 0x05][..], &address.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    writes.iter().flat_map(store).collect()
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
    stores(&steps.map(|(register, value)| (register + WINDOW, value)))
}

/// Registers of the first virtio device.
const WINDOW: u32 = 0xe000_0000;

#[test]
fn devices_say_what_went_wrong_and_why() {
    let crooked = start([0x30_0001, 0x30_1000, 0x30_2000]);
    // A hundred chains in a queue of 64, then a wait for `DEVICE_NEEDS_RESET`:
    // mov eax, [status]; test al, 64; jz to the mov.
    let broken = [
        stores(&[(0x30_1000, 100 << 16)]),
        start([0x30_0000, 0x30_1000, 0x30_2000]),
        [&[0xa1][..], &(WINDOW + 0x70).to_le_bytes(), &[0xa8, 64, 0x74, 0xf7]].concat(),
    ]
    .concat();
    let refused = stores(&[(WINDOW + 0x70, 7)]);
    let notes = [
        (
            crooked,
            "the entropy device did not start: the driver set up queue 0 wrongly: \
             the descriptor table at 0x300001 is not aligned to 16",
        ),
        (broken, "the entropy device stopped: its driver broke a queue, or the host failed it"),
        (refused, "the entropy device refused an access: write of 0x7 to register 0x70"),
    ];
    for (code, note) in notes {
        let Some(kvm) = crate::testing::kvm() else {
            return;
        };
        let code = [code, out(crate::legacy::power::SLEEP_CONTROL, 0x34)].concat();
        let outcome = Machine::new(spec(&code, Some(kvm))).unwrap().run().unwrap();
        assert_eq!((outcome.exit, outcome.notes), (Exit::PowerOff, vec![note.to_owned()]));
    }
}

#[test]
fn console_output_arrives_and_first_entry_is_told() {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut code = vec![0x66, 0xba, 0xf8, 0x03];
    for byte in b"hi\n" {
        code.extend_from_slice(&[0xb0, *byte, 0xee]);
    }
    code.extend_from_slice(&out(crate::legacy::power::SLEEP_CONTROL, 0x34));
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
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut spec = spec(&[0xeb, 0xfe], Some(kvm.try_clone().unwrap()));
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
    assert!(matches!(Machine::new(spec(&[0xf4], None)), Err(Error::NoKvm)));
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    for (cpus, memory, word) in [
        (0, 64 << 20, "0 CPUs"),
        (33, 64 << 20, "33 CPUs"),
        (1, 10 << 40, "all that this host has"),
        (1, 1 << 20, "at least 64 MiB"),
    ] {
        let mut spec = spec(&[0xf4], Some(kvm.try_clone().unwrap()));
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
    let mut spec = spec(&[0xeb, 0xfe], Some(kvm));
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
