//! The read-only block device.
