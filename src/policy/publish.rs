//! `-p [IP:]HOST:GUEST`.

use std::net::{IpAddr, Ipv4Addr};

use crate::spec::Publish;

/// Why a `-p` was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Not of the form.
    #[error("a published port is written [IP:]HOST:GUEST, like 8080:80 or [::1]:8080:80")]
    Form,
    /// The address is none.
    #[error("`{0}` is no IP address; leave it out for 127.0.0.1")]
    Address(String),
    /// Not a port number.
    #[error("`{0}` is no TCP port; ports go from 1 to 65535, and 0 as HOST lets the system choose")]
    Port(String),
    /// The same port of the host twice.
    #[error("port {0} of the host is published twice; each -p needs its own")]
    Twice(u16),
}

/// Parses `[IP:]HOST:GUEST`; an IPv6 address stands in brackets.
///
/// # Errors
/// [`PublishError`].
pub fn publish(text: &str) -> Result<Publish, PublishError> {
    let (rest, guest) = text.rsplit_once(':').ok_or(PublishError::Form)?;
    let (ip, host) = match rest.rsplit_once(':') {
        Some((ip, host)) => (address(ip)?, host),
        None => (IpAddr::V4(Ipv4Addr::LOCALHOST), rest),
    };
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits).ok_or_else(|| PublishError::Port(text.into()))
    };
    let publish = Publish { ip, host_port: port(host)?, guest_port: port(guest)? };
    if publish.guest_port == 0 { Err(PublishError::Port(guest.into())) } else { Ok(publish) }
}

/// Refuses two that would listen on the same address and port.
///
/// # Errors
/// [`PublishError::Twice`].
pub fn distinct(all: &[Publish]) -> Result<(), PublishError> {
    for (at, one) in all.iter().enumerate() {
        let clash = |other: &Publish| {
            one.host_port != 0 && other.host_port == one.host_port && other.ip == one.ip
        };
        if all.iter().skip(at + 1).any(clash) {
            return Err(PublishError::Twice(one.host_port));
        }
    }
    Ok(())
}

/// An address; IPv6 only in brackets, as a bare one cannot be told from ports.
fn address(text: &str) -> Result<IpAddr, PublishError> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let parsed = match inner {
        Some(v6) => v6.parse().map(IpAddr::V6).ok(),
        None => text.parse().map(IpAddr::V4).ok(),
    };
    parsed.ok_or_else(|| PublishError::Address(text.into()))
}

#[cfg(test)]
#[path = "publish_test.rs"]
mod tests;
