//! How fast a vsock device carries bytes over vhost-user, which is Linux's.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
use linux::main;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("there is no vhost-user on this system");
}
