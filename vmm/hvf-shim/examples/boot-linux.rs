//! Boots a Linux kernel on the backend for Hypervisor.framework, over the shim.
//!
//! `boot-linux KERNEL INITRD CPUS [KERNEL-ARGUMENT…]`: the guest's serial port is the output,
//! the machine's end the last line. A byte on the standard input, or its end, stops the machine.

#[cfg(not(all(target_os = "linux", target_arch = "aarch64")))]
fn main() {
    println!("skipped: the shim is for aarch64 Linux");
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use qvm_vmm::machine::{Machine, MachineSpec};

    /// Memory of the guest, in bytes.
    const MEMORY: u64 = 256 << 20;

    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("boot-linux KERNEL INITRD CPUS [ARGUMENT…]");
    let kernel = File::open(next()?)?;
    let initrd = File::open(next()?)?;
    let cpus = next()?.parse()?;
    let cmdline = arguments.collect::<Vec<_>>().join(" ");
    let (mut reader, serial) = UnixStream::pair()?;
    let copy = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::stdout()));
    let machine = Machine::on_hvf(MachineSpec {
        cpus,
        memory: MEMORY,
        kernel,
        initrd: vec![initrd],
        cmdline,
        disks: Vec::new(),
        vhost_user: Vec::new(),
        local: Vec::new(),
        rng: true,
        balloon: false,
        serial: Some(serial.into()),
        kvm: None,
        stop: Some(std::io::stdin().as_fd().try_clone_to_owned()?),
        first_entry: None,
    })?;
    let outcome = machine.run();
    copy.join().map_err(|_| "the copying thread ended badly")??;
    println!("machine: {:?}", outcome?);
    Ok(())
}
