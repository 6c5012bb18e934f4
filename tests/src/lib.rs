//! Unused outside tests.
