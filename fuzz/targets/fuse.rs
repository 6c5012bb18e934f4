//! A session of FUSE requests on a real directory.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fs::fuzzing::fuzz_fuse(data));
