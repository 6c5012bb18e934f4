//! Brings the loopback interface up; there is no other.
#![expect(unsafe_code, reason = "interface flags are set by an ioctl that rustix does not wrap")]

use std::io;
use std::os::fd::AsRawFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Sets `lo` up. The kernel then gives it 127.0.0.1 and ::1 by itself.
///
/// # Errors
/// What the ioctl says, such as `EPERM` without the right to administer the network.
pub fn up() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let flags = libc::IFF_UP | libc::IFF_RUNNING;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: libc::c_short::try_from(flags).unwrap_or(libc::c_short::MAX),
        },
    };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *to = libc::c_char::try_from(*from).unwrap_or(0);
    }
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which is fully written and lives past the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
