//! What a guest may ask of a language model: an HTTP filter in front of the model server.
#![forbid(unsafe_code)]

pub mod link;
