//! KVM or QEMU, with devices in processes of their own.

use std::{io, os::unix::net::UnixStream};

use agent_protocol::GUEST_CID;
use guest_image::Arch;

use super::{Base, Started};
use crate::{
    process::{self, FsArgs, Process, VsockArgs},
    session::{Error, hvf, kvm, machine::Parts, tcg, vmm},
    spec::Accel,
};

/// Starts an engine, after what serves its devices.
pub(in crate::session) fn start(base: Base<'_>) -> Result<Started, Error> {
    if base.spec.accel == Accel::Hvf {
        return hvf::start(base);
    }
    let Base { spec, kernel, initrd, disks, console, ports } = base;
    let (process, vsock) = process::spawn_vsock(VsockArgs { guest_cid: GUEST_CID, ports })?;
    let mut processes = vec![process];
    let shares = shares(spec, &mut processes)?;
    let parts = Parts { spec, kernel, initrd, disks, console, vsock, shares };
    let (process, first_entry) = match spec.accel {
        Accel::Tcg => (tcg::start(parts)?, None),
        Accel::Kvm | Accel::Hvf => {
            let (process, entry) = kvm::start(parts)?;
            (process, Some(entry))
        }
    };
    processes.push(process);
    Ok(Started { processes, first_entry })
}

/// Starts the servers of the shares.
fn shares(
    spec: &crate::spec::Spec,
    processes: &mut Vec<Process>,
) -> Result<Vec<(UnixStream, String)>, Error> {
    let mut shares = Vec::new();
    for share in &spec.shares {
        let dir = share.dir.try_clone();
        let dir = dir.map_err(|e: io::Error| Error::System("duplicate a descriptor", e))?;
        let args = FsArgs { dir, tag: share.tag.clone(), read_only: share.read_only };
        let (process, socket) = process::spawn_fs(args)?;
        processes.push(process);
        shares.push((socket, share.tag.clone()));
    }
    Ok(shares)
}

/// The kernel command line of a run, for measurements beside other monitors.
pub fn kernel_line(accel: Accel) -> String {
    match accel {
        Accel::Kvm | Accel::Hvf => vmm::kernel_line(false),
        Accel::Tcg => tcg::kernel_line(Arch::HOST, false, None),
    }
}
