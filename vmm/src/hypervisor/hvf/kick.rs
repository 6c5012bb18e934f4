//! Getting a vCPU out of the guest from another thread.
//!
//! A kick leaves a mark under the machine's lock, wakes whoever waits there, and stops the vCPU
//! if it exists. The framework's stop holds for the next run, too, if the vCPU is not in the
//! guest; the mark covers all the rest, so that no kick is lost. What can happen is one
//! `Interrupted` more than kicks, which the caller takes for nothing.

use std::sync::Arc;

use super::binding::Binding;
use super::board::Board;
use crate::hypervisor::Kicker;

/// Interrupts one vCPU.
pub struct HvfKicker<B: Binding> {
    pub(super) board: Arc<Board<B>>,
    pub(super) cpu: u8,
}

impl<B: Binding> Kicker for HvfKicker<B> {
    fn kick(&self) {
        self.board.kick(self.cpu);
    }
}
