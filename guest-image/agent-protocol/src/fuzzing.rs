//! Entries for fuzzers: raw bytes in, no panic and no large allocation out.

use crate::{
    FromAgent, FromCommand, ImageConfig, Opening, ToAgent, ToCommand, read_frame, write_frame,
};

/// Reads frames of every kind of message from `data`, and `data` as the content of one frame; what
/// can be read must survive being written and read again.
pub fn fuzz_frames(data: &[u8]) {
    fn each<T>(mut data: &[u8])
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq,
    {
        while let Ok(message) = read_frame::<T>(&mut data) {
            let mut bytes = Vec::new();
            let again =
                write_frame(&mut bytes, &message).and_then(|()| read_frame::<T>(bytes.as_slice()));
            debug_assert!(
                again.is_ok_and(|again| again == message),
                "a message does not survive the wire"
            );
        }
    }
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let framed = [&length.to_le_bytes(), data].concat();
    for data in [data, &framed] {
        each::<Opening>(data);
        each::<ToAgent>(data);
        each::<FromAgent>(data);
        each::<ToCommand>(data);
        each::<FromCommand>(data);
    }
}

/// `/etc/qvm/guest.json` of an image; what can be read must survive being written and read again.
pub fn fuzz_guest_json(data: &[u8]) {
    if let Ok(config) = ImageConfig::parse(data) {
        let again = serde_json::to_vec(&config).map(|bytes| ImageConfig::parse(&bytes));
        debug_assert!(
            // Written out, it may be longer than it was, and too long.
            matches!(again, Ok(Ok(ref again)) if *again == config) || data.len() > 1 << 13,
            "an image's settings change when written and read"
        );
    }
}
