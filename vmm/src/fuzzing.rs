//! Entries for fuzzing: raw bytes into the real code.
