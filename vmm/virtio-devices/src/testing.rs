//! A fake driver for device tests.
