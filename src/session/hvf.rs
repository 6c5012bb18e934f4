//! Our own monitor on Hypervisor.framework: one process, which serves shares and vsock itself, in
//! one sandbox.
//!
//! On Linux only builds with the feature `hvf-shim` come here, to try this out where there is no
//! Mac. Nothing confines the process there.

use agent_protocol::GUEST_CID;

use super::{
    engine::{Base, Started},
    error::Error,
    vmm::{self, On},
};
use crate::process::{LocalShare, LocalVsock};

/// Starts the monitor.
pub(super) fn start(mut base: Base<'_>) -> Result<Started, Error> {
    if cfg!(target_os = "linux") {
        eprintln!(
            "qvm: WARNING: a build for tests: the machine's process is NOT CONFINED and its guest may reach all that you can"
        );
    }
    let ports = std::mem::take(&mut base.ports);
    let mut shares = Vec::new();
    for share in &base.spec.shares {
        let dir = share.dir.try_clone();
        shares.push(LocalShare {
            dir: dir.map_err(|e| Error::System("duplicate a descriptor", e))?,
            path: share.host.clone(),
            tag: share.tag.clone(),
            read_only: share.read_only,
        });
    }
    let vsock = Some(LocalVsock { guest_cid: GUEST_CID, ports });
    let (process, entry) = vmm::start(base, On { shares, vsock, ..On::default() })?;
    Ok(Started { processes: vec![process], first_entry: Some(entry) })
}
