//! The entropy device.
