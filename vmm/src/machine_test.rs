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
        root_disk: None,
        vhost_user: vec![],
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
