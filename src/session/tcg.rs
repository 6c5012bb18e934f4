//! QEMU as a CPU engine: its command line.
//!
//! QEMU brings vCPUs in software, the virtio-mmio transport, the read-only root disk, entropy and
//! a balloon; the share and vsock are ours, over vhost-user. Everything it uses arrives as an open
//! descriptor, so that it needs no path but its own program and firmware.
//!
//! Which machine it emulates is the spec's word and not this program's architecture: [`x86_64`]
//! and [`aarch64`] say what is special about each.

mod aarch64;
mod x86_64;

use std::{
    ffi::OsString,
    os::fd::{OwnedFd, RawFd},
};

use guest_image::Arch;

use super::{
    error::Error,
    machine::{Parts, join_initrd, layers, memory_file, number},
};
use crate::{
    accel,
    process::{self, Process, QemuArgs},
};

/// Starts QEMU.
pub(super) fn start(parts: Parts<'_>) -> Result<Process, Error> {
    let spec = parts.spec;
    let initrd = memory_file("initrd", &[])
        .and_then(|whole| join_initrd(parts.initrd, &whole).map(|()| whole))
        .map_err(|e| Error::System("make the initial RAM file system", e))?;
    let fds = Descriptors {
        kernel: number(&parts.kernel),
        initrd: number(&initrd),
        disks: parts.disks.iter().map(number).collect(),
        console: number(&parts.console),
        vsock: number(&parts.vsock),
        shares: parts.shares.iter().map(|(socket, tag)| (number(socket), tag.clone())).collect(),
    };
    let machine = Machine {
        arch: spec.arch,
        memory: spec.memory,
        cpus: spec.cpus,
        icount: spec.icount,
        nested: spec.nested,
    };
    let line = kernel_line(spec.arch, spec.output.show_boot, spec.icount) + &layers(&parts.disks);
    let argv = arguments(&machine, &line, &fds);
    let mut given: Vec<OwnedFd> =
        vec![parts.kernel.into(), initrd.into(), parts.console.into(), parts.vsock.into()];
    given.extend(parts.disks.into_iter().map(OwnedFd::from));
    given.extend(parts.shares.into_iter().map(|(socket, _)| OwnedFd::from(socket)));
    let usual = || format!("/usr/bin/{}", accel::qemu_program(spec.arch).0).into();
    Ok(process::spawn_qemu(QemuArgs {
        program: spec.qemu.clone().unwrap_or_else(usual),
        argv: argv.into_iter().map(OsString::from).collect(),
        fds: given,
    })?)
}

/// What is emulated.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Its architecture.
    pub arch: Arch,
    /// Bytes.
    pub memory: u64,
    /// Virtual CPUs.
    pub cpus: u8,
    /// Count instructions instead of time: 2^N ns each.
    pub icount: Option<u8>,
    /// It is to run machines itself.
    pub nested: bool,
}

/// Descriptors QEMU inherits, by number.
#[derive(Debug, Clone)]
pub struct Descriptors {
    /// Uncompressed kernel.
    pub kernel: RawFd,
    /// Initial RAM file system.
    pub initrd: RawFd,
    /// EROFS images: the root's, then those above it.
    pub disks: Vec<RawFd>,
    /// Socket that takes the console's output.
    pub console: RawFd,
    /// vhost-user socket of the vsock device.
    pub vsock: RawFd,
    /// vhost-user socket and tag of each share.
    pub shares: Vec<(RawFd, String)>,
}

/// QEMU's arguments, without its own name.
pub fn arguments(machine: &Machine, kernel_line: &str, fds: &Descriptors) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    let (kind, processor) = match machine.arch {
        Arch::X86_64 => (x86_64::MACHINE.to_owned(), x86_64::PROCESSOR),
        Arch::Aarch64 => (aarch64::machine(machine.nested), aarch64::PROCESSOR),
    };
    add("-machine", format!("{kind},memory-backend=memory"));
    // Virtio as of version 1: QEMU's virtio-mmio otherwise speaks the legacy interface.
    add("-global", "virtio-mmio.force-legacy=false".into());
    add("-cpu", processor.into());
    match machine.icount {
        // The guest's clock counts instructions; only one thread can do that.
        Some(shift) => {
            add("-accel", "tcg,thread=single".into());
            add("-icount", format!("shift={shift},sleep=off"));
        }
        None => add("-accel", "tcg,thread=multi".into()),
    }
    let memory = machine.memory;
    add("-m", format!("{}M", memory >> 20));
    add("-smp", machine.cpus.to_string());
    add("-object", format!("memory-backend-memfd,id=memory,size={memory},share=on"));
    add("-kernel", format!("/proc/self/fd/{}", fds.kernel));
    add("-initrd", format!("/proc/self/fd/{}", fds.initrd));
    add("-append", kernel_line.into());
    add("-chardev", format!("socket,id=console,fd={}", fds.console));
    add("-serial", "chardev:console".into());
    for (fd, set) in fds.disks.iter().zip(1..) {
        add("-add-fd", format!("fd={fd},set={set}"));
        add(
            "-drive",
            format!(
                "file=/dev/fdset/{set},if=none,id=disk{set},format=raw,readonly=on,cache.no-flush=on"
            ),
        );
        add("-device", format!("virtio-blk-device,drive=disk{set}"));
    }
    add("-chardev", format!("socket,id=vsock,fd={}", fds.vsock));
    // The guest's address is in the configuration space, which our process answers for.
    add("-device", "vhost-user-vsock-device,chardev=vsock".into());
    for (index, (fd, tag)) in fds.shares.iter().enumerate() {
        add("-chardev", format!("socket,id=share{index},fd={fd}"));
        add("-device", format!("vhost-user-fs-device,chardev=share{index},tag={tag}"));
    }
    add("-device", "virtio-rng-device".into());
    add("-device", "virtio-balloon-device,free-page-reporting=on,deflate-on-oom=on".into());
    add("-display", "none".into());
    add("-monitor", "none".into());
    arguments.extend(["-nodefaults", "-no-user-config", "-no-reboot"].map(String::from));
    arguments
}

/// What the kernel is told. The agent is `/init` of the initramfs, so there is no `root=`.
pub fn kernel_line(arch: Arch, show_boot: bool, icount: Option<u8>) -> String {
    let log = if show_boot { "loglevel=7" } else { "quiet" };
    match arch {
        Arch::X86_64 => x86_64::kernel_line(log, icount),
        Arch::Aarch64 => aarch64::kernel_line(log),
    }
}

#[cfg(test)]
#[path = "tcg_test.rs"]
mod tests;
