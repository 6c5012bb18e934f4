//! Linux.

use std::io;

use rustix::rand::GetRandomFlags;

/// Fills `data` from the kernel's generator, waiting for it to be seeded.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    let mut left = data;
    while !left.is_empty() {
        match rustix::rand::getrandom(&mut *left, GetRandomFlags::empty()) {
            Ok(count) => left = left.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
