//! Entries for fuzzers.
