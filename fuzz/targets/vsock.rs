//! Any guest and any host against the vsock muxer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fuzzing::fuzz_vsock(data));
