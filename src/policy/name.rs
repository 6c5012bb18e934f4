//! Names of machines.

/// A name that cannot be one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a machine's name has 1 to 63 letters, digits, `_`, `.` or `-`, and begins with a letter or digit"
)]
pub struct NameError;

/// Checks `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`. A name becomes a file name and a host name.
///
/// # Errors
/// [`NameError`].
pub fn check(name: &str) -> Result<String, NameError> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if first && rest && name.len() <= 63 { Ok(name.to_owned()) } else { Err(NameError) }
}

/// A name for a machine that was given none: `qvm-` and six hexadecimal digits.
///
/// # Errors
/// What the system's random source says.
pub fn generate() -> std::io::Result<String> {
    let mut bytes = [0u8; 3];
    crate::sys::random(&mut bytes)?;
    let [a, b, c] = bytes;
    Ok(format!("qvm-{a:02x}{b:02x}{c:02x}"))
}

#[cfg(test)]
#[path = "name_test.rs"]
mod tests;
