//! The memory map that both boot protocols hand over, in E820 terms.

use super::layout;

/// What a range of guest-physical memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Usable memory.
    Ram = 1,
    /// Not to be touched.
    Reserved = 2,
    /// ACPI tables.
    Acpi = 3,
}

/// One entry of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
}

/// The map of a machine with `size` bytes of memory, at least [`crate::machine::memory::MIN`].
#[must_use]
pub fn entries(size: u64) -> Vec<Entry> {
    let entry = |start, end, kind| Entry { start, size: end - start, kind };
    let mut map = vec![
        entry(0, layout::LOW_RAM_END, Kind::Ram),
        entry(layout::LOW_RAM_END, 0xa_0000, Kind::Reserved),
        entry(layout::ACPI, layout::HIGH_RAM, Kind::Acpi),
    ];
    for (start, length) in layout::ranges(size) {
        map.push(entry(start.max(layout::HIGH_RAM), start + length, Kind::Ram));
    }
    map
}

#[cfg(test)]
#[path = "memory_map_test.rs"]
mod tests;
