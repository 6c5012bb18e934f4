//! What a machine is made of. Every file and socket is already open.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use virtio_devices::device::VirtioDevice;

/// Called on the first vCPU's thread just before the guest's first instruction.
pub type FirstEntry = Box<dyn FnOnce() + Send>;

/// A machine to build.
pub struct MachineSpec {
    /// Number of vCPUs, 1 to 32.
    pub cpus: u8,
    /// Bytes of memory: whole pages of the host, 64 MiB to 256 GiB, not more than the host has.
    pub memory: u64,
    /// Kernel: on x86-64 an uncompressed ELF image with PVH note, or a bzImage; on aarch64 an
    /// uncompressed `Image`.
    pub kernel: File,
    /// Initial RAM file systems, put one after the other.
    pub initrd: Vec<File>,
    /// Kernel command line, up to 2047 bytes.
    pub cmdline: String,
    /// Images of file systems that the guest can only read: `/dev/vda`, `/dev/vdb`, ….
    pub disks: Vec<File>,
    /// Devices that other processes serve, which they can on Linux only.
    pub vhost_user: Vec<VhostUserSpec>,
    /// Devices that this process serves on threads of theirs, with a name for messages each.
    pub local: Vec<(String, Box<dyn VirtioDevice>)>,
    /// Whether there is an entropy device.
    pub rng: bool,
    /// Whether there is a memory balloon with free page reporting.
    pub balloon: bool,
    /// Where the guest's serial port writes. Made non-blocking; what its reader does not take in
    /// time is lost. Use a pipe or socket of its own.
    pub serial: Option<OwnedFd>,
    /// Open `/dev/kvm`, read and write, for a machine on KVM.
    pub kvm: Option<OwnedFd>,
    /// The machine stops when this becomes readable or its other end closes.
    pub stop: Option<OwnedFd>,
    /// See [`FirstEntry`].
    pub first_entry: Option<FirstEntry>,
}

/// A device that another process serves over vhost-user.
pub struct VhostUserSpec {
    /// For messages: `workspace`, `vsock`, ….
    pub name: String,
    /// Virtio device type.
    pub device_type: u32,
    /// Largest size of each queue.
    pub queue_sizes: Vec<u16>,
    /// Connected to the process.
    pub socket: UnixStream,
    /// The device's configuration space.
    pub config: Vec<u8>,
}
