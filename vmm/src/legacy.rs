//! The few old devices that a kernel wants, or that carry one bit of news out of it.

pub mod i8042;
pub mod pl011;
pub mod power;
pub mod pvpanic;
pub mod rtc;
pub mod serial;
pub mod sink;
