//! Runs llama-server in its sandbox, which is Linux's, and asks it something.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
use linux::main;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the sandbox of a model server on this system is made by its caller");
}
