//! Any monitor against the vhost-user backend.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fuzzing::fuzz_vhost_user(data));
