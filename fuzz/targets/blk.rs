//! Requests to the block device.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fuzzing::fuzz_blk(data));
