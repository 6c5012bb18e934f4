//! QEMU as a CPU engine: its command line.
//!
//! QEMU brings vCPUs in software, the virtio-mmio transport, the read-only root disk, entropy and
//! a balloon; the share and vsock are ours, over vhost-user. Everything it uses arrives as an open
//! descriptor, so that it needs no path but its own program and firmware.
//!
//! `microvm` without PIT and PIC: Debian's kernel finds virtio-mmio through ACPI only, and with
//! ACPI on this machine is hardware-reduced, in which legacy timers do not interrupt. The kernel
//! then has to learn the TSC's frequency from us (`tsc_early_khz`): measuring it against the PIT
//! fails at random under emulation and leaves a kernel without any clock.

use std::{
    ffi::OsString,
    os::fd::{OwnedFd, RawFd},
};

use super::{
    error::Error,
    machine::{Parts, join_initrd, layers, memory_file, number},
};
use crate::process::{self, Process, QemuArgs};

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
    let line = kernel_line(spec.output.show_boot, spec.icount) + &layers(&parts.disks);
    let argv = arguments(spec.memory, spec.cpus, spec.icount, &line, &fds);
    let mut given: Vec<OwnedFd> =
        vec![parts.kernel.into(), initrd.into(), parts.console.into(), parts.vsock.into()];
    given.extend(parts.disks.into_iter().map(OwnedFd::from));
    given.extend(parts.shares.into_iter().map(|(socket, _)| OwnedFd::from(socket)));
    let program = spec.qemu.clone().unwrap_or_else(|| "/usr/bin/qemu-system-x86_64".into());
    Ok(process::spawn_qemu(QemuArgs {
        program,
        argv: argv.into_iter().map(OsString::from).collect(),
        fds: given,
    })?)
}

/// Descriptors QEMU inherits, by number.
#[derive(Debug, Clone)]
pub struct Descriptors {
    /// Uncompressed ELF kernel.
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
pub fn arguments(
    memory: u64,
    cpus: u8,
    icount: Option<u8>,
    kernel_line: &str,
    fds: &Descriptors,
) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    add(
        "-machine",
        "microvm,acpi=on,pit=off,pic=off,rtc=on,ioapic2=on,memory-backend=memory".into(),
    );
    // Virtio as of version 1: QEMU's virtio-mmio otherwise speaks the legacy interface.
    add("-global", "virtio-mmio.force-legacy=false".into());
    // Without CMPXCHG16B: QEMU 7.2 was seen to leave junk in the flags after it, on which the
    // guest's kernel dies of a double fault.
    add("-cpu", "max".into());
    match icount {
        // The guest's clock counts instructions; only one thread can do that.
        Some(shift) => {
            add("-accel", "tcg,thread=single".into());
            add("-icount", format!("shift={shift},sleep=off"));
        }
        None => add("-accel", "tcg,thread=multi".into()),
    }
    add("-m", format!("{}M", memory >> 20));
    add("-smp", cpus.to_string());
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

/// What the kernel is told: the same as on KVM, and the frequency of its clock.
pub fn kernel_line(show_boot: bool, icount: Option<u8>) -> String {
    // With -icount the TSC counts virtual nanoseconds.
    let khz = icount.map_or_else(tsc_khz, |_| 1_000_000);
    // It is the only clock. Were it watched, a busy host would make ticks late, the counter would
    // seem to run fast, and ticks themselves become the clock: hundredths of a second.
    let clock = if khz == 0 { String::new() } else { format!(" tsc_early_khz={khz} tsc=reliable") };
    // QEMU 7.2 leaves junk in the flags after CMPXCHG16B, on which the kernel dies; programs that
    // need it (opencode does) only look at the one flag that is right.
    format!("{}{clock} clearcpuid=cx16", super::kvm::kernel_line(show_boot))
}

/// Frequency of this processor's time stamp counter in kHz; 0 where there is none to read.
///
/// QEMU's emulated counter is the host's. Five milliseconds against the monotonic clock give six
/// digits; the kernel refines it later by itself.
#[cfg(target_arch = "x86_64")]
fn tsc_khz() -> u64 {
    use std::time::{Duration, Instant};
    let (from, start) = (tsc(), Instant::now());
    let mut passed = Duration::ZERO;
    while passed < Duration::from_millis(5) {
        std::thread::sleep(Duration::from_millis(5) - passed);
        passed = start.elapsed();
    }
    let ticks = tsc().saturating_sub(from);
    let nanos = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
    ticks.saturating_mul(1_000_000) / nanos.max(1)
}

#[cfg(not(target_arch = "x86_64"))]
fn tsc_khz() -> u64 {
    0
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the instruction has no safe wrapper")]
fn tsc() -> u64 {
    // SAFETY: RDTSC reads a counter and nothing else; every x86_64 processor has it, and Linux
    // does not forbid it to programs (it would be PR_SET_TSC, which qvm does not use).
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
#[path = "tcg_test.rs"]
mod tests;
