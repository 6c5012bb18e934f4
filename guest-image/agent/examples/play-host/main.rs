//! Boots the agent in QEMU and plays its host: `play-host KERNEL INITRD IMAGE WORKSPACE`, with
//! these in the environment: `QEMU_ARGS` for more arguments of QEMU, `CPU` and `CPUS`, `LOG` for
//! more of the kernel's, `MEGABYTES` to pump, `SHARE` for an
//! impossible place to mount the workspace, `MAIN` to end with a main command. Prints a line for
//! each check, and times.
//!
//! QEMU 7.2 needs `CPU=max,-cx16`: its CMPXCHG16B now and then leaves garbage in EFLAGS, and the
//! guest's kernel dies of a double fault.
//!
//! It stands on the real devices (virtio-fs and vsock over vhost-user) but on nothing of the
//! session, so that a fault can be told to be the agent's. Status 1 if a check failed.
#![allow(clippy::unwrap_used, reason = "a tool for developers, which may stop where it fails")]

#[cfg(target_os = "linux")]
mod checks;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod play;

#[cfg(target_os = "linux")]
fn main() {
    play::play();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("QEMU has vhost-user devices on Linux alone");
    std::process::exit(1);
}
