//! TCP on the guest's loopback: listeners that lead to the host, and the host's way to listeners
//! in the guest.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use agent_protocol::{Forward, Opening, Token};

use crate::command::ends::start;
use crate::log;
use crate::relay::{Slots, join};
use crate::sys::socket::{Dial, Socket, open};

/// Both loopback addresses, because `localhost` may mean either.
const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// A listener could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on port {port} of the guest's loopback")]
pub struct ForwardError {
    port: u16,
    #[source]
    source: io::Error,
}

/// Listens on 127.0.0.1 and ::1 and relays every connection to the host.
///
/// # Errors
/// When 127.0.0.1 cannot be listened on. A guest without IPv6 does without ::1.
pub fn listen(forward: Forward, dialer: &Arc<dyn Dial>, slots: &Slots) -> Result<(), ForwardError> {
    for address in LOOPBACKS {
        let failed = |source| ForwardError { port: forward.tcp_port, source };
        let listener = match TcpListener::bind((address, forward.tcp_port)) {
            Ok(listener) => listener,
            Err(_) if address.is_ipv6() => continue,
            Err(error) => return Err(failed(error)),
        };
        let (dialer, slots) = (Arc::clone(dialer), slots.clone());
        start("forward", move || serve(&listener, forward.vsock_port, &*dialer, &slots))
            .map_err(failed)?;
    }
    Ok(())
}

/// Accepts for ever.
fn serve(listener: &TcpListener, port: u32, dialer: &dyn Dial, slots: &Slots) {
    loop {
        let slot = slots.take();
        // An error belongs to the one connection that failed; at the limit of descriptors the
        // relays that end free some, so a pause keeps this from spinning meanwhile.
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(std::time::Duration::from_millis(10));
            continue;
        };
        // Tokens of a language model come a few bytes at a time.
        let _ = stream.set_nodelay(true);
        // Where the host does not answer, dropping the stream tells the program so.
        if let Ok(host) = dialer.dial(port) {
            if let Err(error) = join(OwnedFd::from(stream).into(), host, slot) {
                log::warn(format_args!("cannot relay a connection: {error}"));
            }
        }
    }
}

/// Connects to `port` on the guest's loopback and then to the host as [`Opening::Dialed`].
///
/// # Errors
/// The errno of the last attempt, where nobody listens.
pub fn reach(
    id: u32,
    token: Token,
    port: u16,
    dialer: &dyn Dial,
    slots: &Slots,
) -> Result<(), i32> {
    let mut last = libc::ECONNREFUSED;
    for address in LOOPBACKS {
        match TcpStream::connect(SocketAddr::new(address, port)) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                let host: Socket = match open(dialer, &Opening::Dialed { id, token }) {
                    Ok(host) => host,
                    Err(_) => return Err(libc::EPIPE),
                };
                return join(OwnedFd::from(stream).into(), host, slots.take())
                    .map_err(|error| error.raw_os_error().unwrap_or(libc::EAGAIN));
            }
            Err(error) if address.is_ipv4() => last = error.raw_os_error().unwrap_or(last),
            // What IPv4 said is what the user expects to read.
            Err(_) => {}
        }
    }
    Err(last)
}
