//! Stream sockets to the host (virtio 1.3, section 5.10; `vsock(7)`).
#![expect(
    unsafe_code,
    reason = "rustix has no vsock address; its trait for foreign ones is unsafe"
)]

use std::io;

use agent_protocol::HOST_CID;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::socket::{Dial, Socket};

/// The host, reached through the machine's vsock device.
#[derive(Debug, Clone, Copy)]
pub struct Vsock;

impl Dial for Vsock {
    fn dial(&self, port: u32) -> io::Result<Socket> {
        let socket =
            socket_with(AddressFamily::VSOCK, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &Address { port })?;
        Ok(socket.into())
    }
}

/// Bytes of the address as the kernel wants it.
#[expect(clippy::cast_possible_truncation, reason = "16 bytes")]
const LENGTH: SocketAddrLen = size_of::<libc::sockaddr_vm>() as SocketAddrLen;

/// A port on the host.
struct Address {
    port: u32,
}

// SAFETY: the pointer leads to a `sockaddr_vm` on the stack that is fully written and outlives
// the call, and the length is its size.
unsafe impl SocketAddrArg for Address {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        let address = libc::sockaddr_vm {
            svm_family: 40, // AF_VSOCK, as the type of the field wants it
            svm_reserved1: 0,
            svm_port: self.port,
            svm_cid: u32::try_from(HOST_CID).unwrap_or(2),
            svm_zero: [0; 4],
        };
        f((&raw const address).cast(), LENGTH)
    }
}
