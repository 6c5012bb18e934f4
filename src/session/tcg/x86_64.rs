//! `microvm` without PIT and PIC: Debian's kernel finds virtio-mmio through ACPI only, and with
//! ACPI on this machine is hardware-reduced, in which legacy timers do not interrupt. The kernel
//! then has to learn the TSC's frequency from us (`tsc_early_khz`): measuring it against the PIT
//! fails at random under emulation and leaves a kernel without any clock.

/// QEMU's name of the machine, and what it has.
pub const MACHINE: &str = "microvm,acpi=on,pit=off,pic=off,rtc=on,ioapic2=on";

/// The processor.
pub const PROCESSOR: &str = "max";

/// What is told to every kernel: the same as on KVM, where each word has its reason.
const ALWAYS: &str = "console=ttyS0 panic=-1 reboot=a cryptomgr.notests pci=off 8250.nr_uarts=1";

/// The same, and the frequency of its clock.
pub fn kernel_line(log: &str, icount: Option<u8>) -> String {
    // With -icount the TSC counts virtual nanoseconds.
    let khz = icount.map_or_else(tsc_khz, |_| 1_000_000);
    // It is the only clock. Were it watched, a busy host would make ticks late, the counter would
    // seem to run fast, and ticks themselves become the clock: hundredths of a second.
    // Without CMPXCHG16B: QEMU 7.2 leaves junk in the flags after it, on which the kernel dies of
    // a double fault; programs that need it (opencode does) only look at the one flag that is
    // right.
    format!("{ALWAYS} {log} tsc_early_khz={khz} tsc=reliable clearcpuid=cx16")
}

/// Frequency of the emulated time stamp counter in kHz.
///
/// It is the host's where that is an x86. Five milliseconds against the monotonic clock give six
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

/// Elsewhere QEMU counts the host's nanoseconds (`cpu_get_host_ticks` of its timer.h).
#[cfg(not(target_arch = "x86_64"))]
fn tsc_khz() -> u64 {
    1_000_000
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the instruction has no safe wrapper")]
fn tsc() -> u64 {
    // SAFETY: RDTSC reads a counter and nothing else; every x86_64 processor has it, and Linux
    // does not forbid it to programs (it would be PR_SET_TSC, which qvm does not use).
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
#[path = "x86_64_test.rs"]
mod tests;
