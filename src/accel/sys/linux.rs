//! `/dev/kvm`: opened, asked for its version, and made to create one empty machine.
#![expect(unsafe_code, reason = "the KVM interface is made of ioctls")]

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    path::PathBuf,
};

use guest_image::Arch;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::accel::{facts::Kvm, hvf::Hvf, qemu::Qemu};

/// The version of the KVM interface since Linux 2.6.22, and the only one there is.
const KVM_API: i32 = 12;

/// `KVM_GET_API_VERSION`, `_IO(0xAE, 0x00)`.
const GET_API_VERSION: libc::c_ulong = 0xAE00;

/// `KVM_CREATE_VM`, `_IO(0xAE, 0x01)`.
const CREATE_VM: libc::c_ulong = 0xAE01;

/// Only in builds for tests is there something of that name.
pub fn probe_hvf() -> Hvf {
    if cfg!(all(feature = "hvf-shim", target_arch = "aarch64")) { Hvf::Shim } else { Hvf::Foreign }
}

/// Looks for QEMU.
pub fn find_qemu(arch: Arch, path: &OsStr, shared: &[PathBuf]) -> Qemu {
    Qemu::find(arch, path, shared)
}

/// What `/dev/kvm` does here.
pub fn probe_kvm() -> Kvm {
    use rustix::io::Errno;
    let device = match openat(CWD, "/dev/kvm", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Ok(device) => device,
        Err(Errno::NOENT | Errno::NOTDIR) => return Kvm::Absent,
        Err(Errno::ACCESS | Errno::PERM) => return Kvm::Denied,
        // The node exists but no driver stands behind it.
        Err(Errno::NXIO | Errno::NODEV) => return Kvm::Absent,
        Err(e) => return Kvm::Broken(io::Error::from(e).to_string()),
    };
    match ask(&device, GET_API_VERSION) {
        Ok(KVM_API) => {}
        Ok(other) => return Kvm::Broken(format!("interface version {other} instead of {KVM_API}")),
        Err(e) => return Kvm::Broken(e.to_string()),
    }
    match ask(&device, CREATE_VM) {
        Ok(fd) => {
            // SAFETY: KVM_CREATE_VM returned a new descriptor that nobody else owns.
            let machine = unsafe { OwnedFd::from_raw_fd(fd) };
            // Its end waits for every processor to have forgotten it, for which nobody has to
            // wait here. Where no thread can be made, it ends with the closure.
            let _ = std::thread::Builder::new().name("probe".into()).spawn(move || drop(machine));
            Kvm::Usable
        }
        Err(e) => Kvm::Broken(e.to_string()),
    }
}

/// An ioctl whose argument is zero and whose answer is its return value.
fn ask(device: &OwnedFd, request: libc::c_ulong) -> io::Result<i32> {
    loop {
        // SAFETY: both requests take the integer 0 and touch no memory of ours.
        let rc = unsafe { libc::ioctl(device.as_raw_fd(), request as _, 0) };
        let error = io::Error::last_os_error();
        match rc {
            0.. => return Ok(rc),
            _ if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}
