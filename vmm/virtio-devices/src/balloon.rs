//! The memory balloon.
