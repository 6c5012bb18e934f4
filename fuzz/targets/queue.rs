//! The queue guard on hostile rings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fuzzing::fuzz_queue(data));
