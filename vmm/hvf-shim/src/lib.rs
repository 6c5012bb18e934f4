//! Tests only: the functions of Hypervisor.framework over aarch64 KVM, so that the backend for
//! macOS runs where there is no Mac.

#![cfg(all(target_os = "linux", target_arch = "aarch64"))]
