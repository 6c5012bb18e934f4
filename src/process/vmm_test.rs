//! The monitor's process on this machine's own KVM, with a kernel of a few bytes.

#![allow(clippy::unwrap_used)]

use std::{
    fs::File,
    io::{Read, Write},
    time::Duration,
};

use rustix::{
    fs::MemfdFlags,
    pipe::{PipeFlags, pipe_with},
};

use super::*;
use crate::process::{FsArgs, Status, VsockArgs, spawn_fs, spawn_vsock};

const LONG: Duration = Duration::from_secs(60);

/// Prints `hi` and a newline on the serial port, 0x3f8: `mov dx, …; mov al, …; out dx, al; …`.
#[rustfmt::skip]
const HI: &[u8] = &[0x66, 0xba, 0xf8, 0x03, 0xb0, b'h', 0xee, 0xb0, b'i', 0xee, 0xb0, b'\n', 0xee];

/// Powers off: 0x34 to the sleep register at port 0x600, then `hlt`.
const OFF: &[u8] = &[0x66, 0xba, 0x00, 0x06, 0xb0, 0x34, 0xee, 0xf4];

fn memory_file(bytes: &[u8]) -> OwnedFd {
    let fd = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
    let mut file = File::from(fd);
    file.write_all(bytes).unwrap();
    file.into()
}

/// An ELF image with `code` at 1 MiB and a PVH note that enters it.
fn kernel(code: &[u8]) -> OwnedFd {
    let mut image = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.extend_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [0x10_0000_u64, 64, 0] {
        image.extend_from_slice(&word.to_le_bytes());
    }
    image.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let note = 64 + 2 * 56;
    for (kind, offset, address, size) in
        [(4_u32, note, 0, 20), (1, note + 20, 0x10_0000, u64::try_from(code.len()).unwrap())]
    {
        image.extend_from_slice(&kind.to_le_bytes());
        image.extend_from_slice(&7_u32.to_le_bytes());
        for word in [offset, address, address, size, size, 4] {
            image.extend_from_slice(&word.to_le_bytes());
        }
    }
    for word in [4_u32, 4, 18] {
        image.extend_from_slice(&word.to_le_bytes());
    }
    image.extend_from_slice(b"Xen\0");
    image.extend_from_slice(&0x10_0000_u32.to_le_bytes());
    image.extend_from_slice(code);
    memory_file(&image)
}

/// A machine that runs `code`; `None` with the reason printed where there is no KVM.
fn machine(code: &[u8]) -> Option<VmmArgs> {
    let kvm = match File::options().read(true).write(true).open("/dev/kvm") {
        Ok(kvm) => OwnedFd::from(kvm),
        Err(error) => {
            println!("skipped: /dev/kvm cannot be opened: {error}");
            return None;
        }
    };
    Some(VmmArgs {
        cpus: 2,
        memory: 64 << 20,
        kernel: kernel(code),
        initrd: vec![memory_file(b"initrd")],
        cmdline: "panic=-1".into(),
        disks: vec![memory_file(&[0; 4096])],
        vhost_user: vec![],
        rng: true,
        balloon: true,
        serial: None,
        kvm: Some(kvm),
        shares: vec![],
        vsock: None,
        stop: None,
        first_entry: None,
    })
}

#[test]
fn a_machine_runs_and_ends_under_its_filter() {
    let code = [HI, OFF].concat();
    let Some(mut args) = machine(&code) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
    let dir = rustix::fs::open(folder.path(), flags, rustix::fs::Mode::empty()).unwrap();
    let (mut fs, fs_socket) =
        spawn_fs(FsArgs { dir, tag: "work".into(), read_only: false }).unwrap();
    let (mut vsock, vsock_socket) = spawn_vsock(VsockArgs { guest_cid: 3, ports: vec![] }).unwrap();
    let device = |name: &str, device_type, queue_sizes: &[u16], socket| VhostUserArgs {
        name: name.into(),
        device_type,
        queue_sizes: queue_sizes.to_vec(),
        socket,
        config: Vec::new(),
    };
    args.vhost_user = vec![
        device("fs", virtio_devices::fs::DEVICE_TYPE, &virtio_devices::fs::QUEUE_SIZES, fs_socket),
        device(
            "vsock",
            virtio_devices::vsock::DEVICE_TYPE,
            &virtio_devices::vsock::QUEUE_SIZES,
            vsock_socket,
        ),
    ];
    let (console, console_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (entry, entry_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    args.serial = Some(console_end);
    args.first_entry = Some(entry_end);
    let mut vmm = spawn_vmm(args).unwrap();
    let report = vmm.ready(LONG);
    assert_eq!(report.unwrap().role, Role::Vmm);
    assert_eq!(vmm.wait_for(LONG), Some(Status::Exited(0)), "{:?}", vmm.last_words());
    let end = vmm.machine_end().unwrap();
    assert_eq!((end.exit, end.notes), (MachineExit::PowerOff, vec![]));
    let mut said = String::new();
    File::from(console).read_to_string(&mut said).unwrap();
    assert_eq!(said, "hi\n");
    File::from(entry).read_exact(&mut [0; 8]).unwrap();
    for process in [&mut fs, &mut vsock] {
        assert_eq!(process.wait_for(LONG), Some(Status::Exited(0)), "{:?}", process.last_words());
    }
}

#[test]
fn a_machine_is_stopped_from_outside() {
    let Some(mut args) = machine(&[0xeb, 0xfe]) else {
        return;
    };
    let (stop, ours) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    args.stop = Some(stop);
    let mut vmm = spawn_vmm(args).unwrap();
    vmm.ready(LONG).unwrap();
    assert_eq!(vmm.machine_end(), None);
    drop(ours);
    assert_eq!(vmm.wait_for(LONG), Some(Status::Exited(0)), "{:?}", vmm.last_words());
    assert_eq!(vmm.machine_end().unwrap().exit, MachineExit::Stopped);
}

#[test]
fn a_bad_kernel_is_told() {
    let Some(mut args) = machine(&[]) else { return };
    args.kernel = memory_file(b"no kernel");
    let mut vmm = spawn_vmm(args).unwrap();
    let error = vmm.ready(LONG).unwrap_err();
    assert!(crate::error::line(&error).starts_with("the vmm process: "), "{error}");
}
