//! Spellings of one name, on volumes that tell fewer names apart than Linux does.
//!
//! A volume of macOS takes `readme` for `README`, unless it was made to tell case apart, and takes
//! the composed and the decomposed form of a letter for each other in any case. It keeps the
//! spelling that a name was made with. The guest is shown names in that spelling, and a name that
//! differs from it in the case of ASCII letters does not exist: programs of Linux expect so, a
//! rename that only changes case would otherwise be one of a file to itself, which Linux does not
//! even ask for, and a rule about `.git` cannot be got round as `.GIT`. Forms of other letters are
//! taken for each other as the volume does, because a program cannot know in which form a name
//! was stored.

/// Whether a name was asked for in another case than it is stored in. Names that differ in more,
/// such as the names of a file that has several, do not count.
#[must_use]
pub fn differs_in_case(asked: &[u8], stored: &[u8]) -> bool {
    asked != stored && asked.eq_ignore_ascii_case(stored)
}

/// Whether a name could be stored in another case at all.
#[must_use]
pub fn has_case(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_alphabetic)
}

/// The name in the answer of getattrlist(2) to a question for `ATTR_CMN_NAME` only: the answer's
/// length, then where the name is from there on and how long it is, with the zero at its end, then
/// the name. Nothing for an answer that is none.
#[must_use]
pub fn name_in_answer(answer: &[u8]) -> Option<&[u8]> {
    /// `u_int32_t`, then `attrreference_t { int32_t attr_dataoffset; u_int32_t attr_length; }`.
    const REFERENCE: usize = 4;
    let word = |at: usize| answer.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let length = usize::try_from(word(0)?).ok()?;
    let start = REFERENCE.checked_add(usize::try_from(word(REFERENCE)?).ok()?)?;
    let end = start.checked_add(usize::try_from(word(REFERENCE + 4)?).ok()?)?;
    let name = answer.get(..length)?.get(start..end)?;
    name.split_last().filter(|(last, _)| **last == 0).map(|(_, name)| name)
}

#[cfg(test)]
#[path = "spelling_test.rs"]
mod tests;
