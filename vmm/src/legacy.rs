//! The few old devices that a kernel wants, or that carry one bit of news out of it.

pub mod i8042;
pub mod power;
pub mod pvpanic;
pub mod serial;
