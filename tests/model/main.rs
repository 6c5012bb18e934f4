//! The end-to-end cases of the model bridge.
//!
//! Besides what the other cases need, they want a model server where qvm finds it, agents in the
//! image, and `QVM_E2E_MODEL`, a small real model ([`e2e::model::smollm2`]).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]

mod bad_input;
mod claude;
mod configured;
mod failure;
mod filter;
mod others;
mod reach;
mod real;
mod switch;
