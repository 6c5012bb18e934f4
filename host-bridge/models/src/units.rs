//! Tokens and lengths of time, as people write them.

use std::time::Duration;

/// Largest context, in tokens. A bound; no model comes near it.
pub const MOST_TOKENS: u32 = 1 << 26;

/// Longest idle time, in seconds: 366 days.
const MOST_SECONDS: u64 = 366 * 24 * 60 * 60;

/// Why an amount was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No count of tokens.
    #[error("a context is a number of tokens, like 32768, 32k or 1m")]
    Tokens,
    /// None, or more than [`MOST_TOKENS`].
    #[error("a context has 1 to {MOST_TOKENS} tokens")]
    TokensOutOfRange,
    /// No length of time.
    #[error("a length of time is a whole number with s, m, h or d, like 90s or 5m (0: at once)")]
    Duration,
}

/// Parses a count of tokens: `32768`, `32k` (times 1024), `1m`.
///
/// # Errors
/// [`UnitError::Tokens`], [`UnitError::TokensOutOfRange`].
pub fn tokens(text: &str) -> Result<u32, UnitError> {
    let text = text.trim();
    let (digits, scale) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UnitError::Tokens);
    }
    let count = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(scale));
    count.filter(|n| (1..=MOST_TOKENS).contains(n)).ok_or(UnitError::TokensOutOfRange)
}

/// Parses a length of time: `90`, `90s`, `5m`, `1h`, `2d`; at most 366 days. Without a unit:
/// seconds.
///
/// # Errors
/// [`UnitError::Duration`].
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let scale: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(UnitError::Duration),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(scale));
    seconds.filter(|n| *n <= MOST_SECONDS).map(Duration::from_secs).ok_or(UnitError::Duration)
}

#[cfg(test)]
#[path = "units_test.rs"]
mod tests;
