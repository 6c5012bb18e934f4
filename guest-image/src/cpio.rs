//! Writes "newc" cpio archives, the format of an initramfs
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

const TRAILER: &str = "TRAILER!!!";

/// An archive that grows in memory. All entries belong to root and bear time stamp 0.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

/// An entry does not fit the format.
#[derive(Debug, thiserror::Error)]
pub enum CpioError {
    /// Sizes are 32 bits wide.
    #[error("{0} is over 4 GiB, too long for a cpio archive")]
    TooLong(String),
    /// Names end at a zero byte.
    #[error("a name with a zero byte cannot be in a cpio archive")]
    Name,
}

impl Archive {
    /// An archive with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory. `mode` holds the permission bits; `name` has no leading slash.
    ///
    /// # Errors
    /// [`CpioError::Name`].
    pub fn directory(&mut self, name: &str, mode: u32) -> Result<(), CpioError> {
        self.entry(name, 0o040_000 | mode & 0o7777, (0, 0), &[])
    }

    /// Adds a regular file.
    ///
    /// # Errors
    /// See [`CpioError`].
    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<(), CpioError> {
        self.entry(name, 0o100_000 | mode & 0o7777, (0, 0), content)
    }

    /// Adds all of a regular file but its content, which is `length` bytes and is to follow what
    /// [`Archive::part`] gives.
    ///
    /// # Errors
    /// See [`CpioError`].
    pub fn file_head(&mut self, name: &str, mode: u32, length: u64) -> Result<(), CpioError> {
        self.head(name, 0o100_000 | mode & 0o7777, (0, 0), length)
    }

    /// Adds a character device.
    ///
    /// # Errors
    /// [`CpioError::Name`].
    pub fn character_device(
        &mut self,
        name: &str,
        mode: u32,
        major: u32,
        minor: u32,
    ) -> Result<(), CpioError> {
        self.entry(name, 0o020_000 | mode & 0o7777, (major, minor), &[])
    }

    /// Ends the archive: its length is a multiple of 512 bytes, as the kernel's other archives'.
    ///
    /// # Errors
    /// None in practice.
    pub fn finish(mut self) -> Result<Vec<u8>, CpioError> {
        self.entry(TRAILER, 0, (0, 0), &[])?;
        let length = self.bytes.len().next_multiple_of(512);
        self.bytes.resize(length, 0);
        Ok(self.bytes)
    }

    /// The archive so far, without an end.
    #[must_use]
    pub fn part(self) -> Vec<u8> {
        self.bytes
    }

    fn entry(
        &mut self,
        name: &str,
        mode: u32,
        device: (u32, u32),
        content: &[u8],
    ) -> Result<(), CpioError> {
        self.head(name, mode, device, content.len() as u64)?;
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn head(
        &mut self,
        name: &str,
        mode: u32,
        device: (u32, u32),
        length: u64,
    ) -> Result<(), CpioError> {
        if name.contains('\0') {
            return Err(CpioError::Name);
        }
        let size = u32::try_from(length).map_err(|_| CpioError::TooLong(name.to_owned()))?;
        let name_size =
            u32::try_from(name.len() + 1).map_err(|_| CpioError::TooLong(name.to_owned()))?;
        self.inode = self.inode.wrapping_add(1);
        let links = if mode & 0o170_000 == 0o040_000 { 2 } else { 1 };
        let header =
            [self.inode, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in header {
            self.bytes.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        let length = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(length, 0);
    }
}

#[cfg(test)]
#[path = "cpio_test.rs"]
mod tests;
