//! Entry points for fuzzing, and what tests need to look at archives and kernels.

use std::io::Cursor;

use crate::arm64_image;
use crate::kernel::inspect;
use crate::{Arch, Manifest, Options, load_order, payload};

/// An entry of a cpio archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path.
    pub name: String,
    /// Type and permissions.
    pub mode: u32,
    /// Major number of a device.
    pub major: u32,
    /// Minor number of a device.
    pub minor: u32,
    /// Content of a file.
    pub content: Vec<u8>,
}

/// Reads a "newc" archive up to its trailer; `None` if it is none.
#[must_use]
pub fn parse_cpio(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    loop {
        let header = bytes.get(..110)?;
        if !header.starts_with(b"070701") {
            return None;
        }
        let field = |index: usize| {
            let digits = header.get(6 + index * 8..14 + index * 8)?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let (size, name_size) = (field(6)? as usize, field(11)? as usize);
        let name_end = 110usize.checked_add(name_size)?;
        let name = bytes.get(110..name_end)?.strip_suffix(b"\0")?;
        let start = name_end.checked_next_multiple_of(4)?;
        let end = start.checked_add(size)?;
        let content = bytes.get(start..end)?.to_vec();
        if name == b"TRAILER!!!" {
            return Some(entries);
        }
        let name = String::from_utf8(name.to_vec()).ok()?;
        entries.push(Entry { name, mode: field(1)?, major: field(9)?, minor: field(10)?, content });
        bytes = bytes.get(end.checked_next_multiple_of(4)?..)?;
    }
}

/// A small bzImage with this payload.
#[must_use]
pub fn sample_bzimage(payload: &[u8], length: u32) -> Vec<u8> {
    let mut image = vec![0u8; 1024];
    image[0x1f1] = 1;
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
    let offset = 16u32;
    let size = u32::try_from(payload.len() + 4).unwrap_or(u32::MAX);
    image[0x248..0x24c].copy_from_slice(&offset.to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&size.to_le_bytes());
    image.resize(1024 + 16, 0);
    image.extend_from_slice(payload);
    image.extend_from_slice(&length.to_le_bytes());
    image
}

/// A small ELF kernel for this processor (`e_machine`), with or without the PVH entry, and with
/// this configuration (compressed) inside.
#[must_use]
pub fn sample_vmlinux(machine: u16, entry: bool, config: Option<&[u8]>) -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    let kind: u32 = if entry { 18 } else { 7 };
    let mut note = [4u32, 4, kind].map(u32::to_le_bytes).concat();
    note.extend_from_slice(b"Xen\0\0\0\0\x01");
    let mut load = b"code IKCFG_ST\0".to_vec();
    if let Some(config) = config {
        load.extend_from_slice(b"IKCFG_ST");
        load.extend_from_slice(config);
        load.extend_from_slice(b"IKCFG_ED");
    }
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[16..18].copy_from_slice(&2u16.to_le_bytes());
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&56u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&2u16.to_le_bytes());
    for (kind, offset, content) in [(4u32, HEADERS, &note), (1, HEADERS + note.len() as u64, &load)]
    {
        let mut header = kind.to_le_bytes().to_vec();
        header.resize(56, 0);
        header[8..16].copy_from_slice(&offset.to_le_bytes());
        header[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
    }
    bytes.extend_from_slice(&note);
    bytes.extend_from_slice(&load);
    bytes
}

/// A small arm64 `Image` with this after its header.
#[must_use]
pub fn sample_arm64_image(code: &[u8]) -> Vec<u8> {
    let mut image = vec![0u8; arm64_image::HEADER];
    let size = (image.len() + code.len()) as u64;
    image[16..24].copy_from_slice(&size.to_le_bytes());
    image[56..60].copy_from_slice(b"ARM\x64");
    image.extend_from_slice(code);
    image
}

/// A small EFI zboot file with this payload, compressed as this says.
#[must_use]
pub fn sample_zboot(compression: &str, payload: &[u8]) -> Vec<u8> {
    let mut file = b"MZ\0\0zimg".to_vec();
    file.extend_from_slice(&64u32.to_le_bytes());
    file.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.resize(24, 0);
    file.extend_from_slice(compression.as_bytes());
    file.resize(64, 0);
    file.extend_from_slice(payload);
    file
}

/// `manifest.json`, which anybody who can write to the cache can alter.
pub fn fuzz_manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data) {
        let again = manifest.to_json().ok().and_then(|bytes| Manifest::parse(&bytes).ok());
        assert_eq!(again.as_ref(), Some(&manifest), "a manifest changes when written and read");
    }
}

/// A kernel file that a person names.
pub fn fuzz_bzimage(data: &[u8]) {
    if let Ok(found) = payload(data) {
        assert!(found.bytes.len() <= data.len());
    }
}

/// An arm64 kernel as shipped.
pub fn fuzz_arm64_image(data: &[u8]) {
    if let Ok((found, _)) = arm64_image::contained(data) {
        assert!(found.len() <= data.len());
        let _ = arm64_image::check(found);
    }
}

/// `modules.dep`: the data up to a zero byte; after it, the module wanted.
pub fn fuzz_modules(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == 0);
    let dep = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let wanted = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    if let Ok(order) = load_order(&dep, "", &[wanted]) {
        assert!(order.len() <= dep.lines().count());
    }
}

/// An ELF kernel that a person names, and the text of a configuration.
pub fn fuzz_vmlinux(data: &[u8]) {
    for arch in Arch::ALL {
        if let Ok(Some(config)) = inspect(&mut Cursor::new(data), arch) {
            assert!(config.len() <= data.len());
        }
    }
    let options = Options::parse(&String::from_utf8_lossy(data));
    assert!(options.lost(&options).is_empty(), "a configuration differs from itself");
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;

/// An image as one file.
pub fn fuzz_archive(data: &[u8]) {
    crate::archive::fuzzing::fuzz(data);
}
