//! Amounts of memory and lengths of time, as people write them.

use std::time::Duration;

/// One mebibyte, in bytes. Guest memory comes in multiples of it.
pub const MIB: u64 = 1 << 20;

/// Least memory a stock kernel and the agent start in, in bytes.
pub const LEAST_MEMORY: u64 = 128 * MIB;

/// Longest `--timeout`. A bound keeps sums of instants from overflowing.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Why an amount was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number with a known suffix.
    #[error("memory is a whole number with k, m, g or t, like 512m or 4g (without a suffix: MiB)")]
    Memory,
    /// More bytes than 64 bits count.
    #[error("that much memory cannot even be counted; write something like 4g")]
    MemoryOverflow,
    /// Less than [`LEAST_MEMORY`].
    #[error("a machine needs at least 128m of memory to start")]
    MemoryTooSmall,
    /// Not a number with a known unit.
    #[error("a length of time is written like 90, 10s, 5m or 1h30m (without a unit: seconds)")]
    Duration,
    /// No time at all.
    #[error("a timeout of zero would end every command at once; leave it out for no limit")]
    NoTime,
    /// More than [`LONGEST_TIMEOUT`].
    #[error("a timeout is at most 366d; leave it out for no limit")]
    DurationTooLong,
    /// Not a number from 1 to 32.
    #[error("a machine has 1 to 32 virtual CPUs, a whole number")]
    Cpus,
}

/// Parses an amount of memory into bytes, rounded up to a whole MiB.
///
/// # Errors
/// [`UnitError::Memory`], [`UnitError::MemoryOverflow`], [`UnitError::MemoryTooSmall`].
pub fn memory(text: &str) -> Result<u64, UnitError> {
    let (number, suffix) = split_number(text).ok_or(UnitError::Memory)?;
    let shift = match suffix.to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" => 10,
        "" | "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(UnitError::Memory),
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(1 << shift))
        .ok_or(UnitError::MemoryOverflow)?;
    let whole = bytes.checked_next_multiple_of(MIB).ok_or(UnitError::MemoryOverflow)?;
    if whole < LEAST_MEMORY { Err(UnitError::MemoryTooSmall) } else { Ok(whole) }
}

/// Parses a length of time: `90`, `500ms`, `10s`, `5m`, `1h30m`, `2d`. Units go from long to
/// short and each comes once.
///
/// # Errors
/// [`UnitError::Duration`], [`UnitError::NoTime`], [`UnitError::DurationTooLong`].
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let mut rest = text;
    let mut millis: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let (number, tail) = split_number(rest).ok_or(UnitError::Duration)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let each = match unit {
            "" if last == u64::MAX => 1_000,
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(UnitError::Duration),
        };
        if each >= last {
            return Err(UnitError::Duration);
        }
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(each));
        millis = part.and_then(|p| millis.checked_add(p)).ok_or(UnitError::DurationTooLong)?;
        last = each;
        rest = next;
    }
    let whole = Duration::from_millis(millis);
    match whole {
        _ if text.is_empty() => Err(UnitError::Duration),
        Duration::ZERO => Err(UnitError::NoTime),
        w if w > LONGEST_TIMEOUT => Err(UnitError::DurationTooLong),
        w => Ok(w),
    }
}

/// Parses a number of virtual CPUs.
///
/// # Errors
/// [`UnitError::Cpus`].
pub fn cpus(text: &str) -> Result<u8, UnitError> {
    text.parse().ok().filter(|n| (1..=32).contains(n)).ok_or(UnitError::Cpus)
}

/// Bytes for people: the largest unit that leaves at least one, with one digit after the point
/// where it is not whole.
pub fn show_bytes(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = units.into_iter().find(|(shift, _)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let whole = bytes >> shift;
    let tenth = ((bytes >> (shift - 10)) & 1023) * 10 / 1024;
    if tenth == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

/// Splits leading digits off; `None` without any.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
#[path = "units_test.rs"]
mod tests;
