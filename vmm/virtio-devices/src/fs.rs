//! The virtio-fs device.
