//! The firmware's calls: PSCI 1.1 (Arm DEN0022) over SMC Calling Convention 1.1 (DEN0028).
//!
//! ```text
//!            CPU_ON                first instruction
//!   ┌─────┐ ───────► ┌─────────┐ ─────────────────► ┌────┐
//!   │ Off │          │ Pending │                    │ On │
//!   └─────┘ ◄─────────────────────────────────────── └────┘
//!                         CPU_OFF
//! ```
//!
//! A call is decided in one step, from its arguments and the power of all vCPUs; the caller holds
//! their lock, so that two calls for one vCPU cannot both win. What is not known is answered
//! with `NOT_SUPPORTED`, by which guests ask what there is.

use crate::arch::aarch64::layout::affinity;

/// Power of one vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Waits for `CPU_ON`.
    Off,
    /// Has been started and has not run yet.
    Pending(Start),
    /// Runs.
    On,
}

/// How a vCPU starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Guest-physical address of its first instruction.
    pub address: u64,
    /// What it finds in x0.
    pub context: u64,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answers with this in x0.
    Return(u64),
    /// The caller waits for an interrupt and then finds success in x0.
    Suspend,
    /// The caller is off.
    Off,
    /// Starts another vCPU; the caller finds success in x0.
    Start {
        /// Its number.
        cpu: usize,
        /// How.
        start: Start,
    },
    /// The machine is to be switched off.
    SystemOff,
    /// The machine is to start anew.
    SystemReset,
}

/// `PSCI_SUCCESS`.
pub const SUCCESS: u64 = 0;
/// `NOT_SUPPORTED`.
pub const NOT_SUPPORTED: u64 = 0u64.wrapping_sub(1);
/// `INVALID_PARAMETERS`.
pub const INVALID_PARAMETERS: u64 = 0u64.wrapping_sub(2);
/// `ALREADY_ON`.
pub const ALREADY_ON: u64 = 0u64.wrapping_sub(4);
/// `ON_PENDING`.
pub const ON_PENDING: u64 = 0u64.wrapping_sub(5);
/// `INVALID_ADDRESS`.
pub const INVALID_ADDRESS: u64 = 0u64.wrapping_sub(9);

/// Bit of a function's number: arguments of 64 bits.
const WIDE: u32 = 1 << 30;
const SMCCC_VERSION: u32 = 0x8000_0000;
const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;
const PSCI_VERSION: u32 = 0x8400_0000;
const CPU_SUSPEND: u32 = 0x8400_0001;
const CPU_OFF: u32 = 0x8400_0002;
const CPU_ON: u32 = 0x8400_0003;
const AFFINITY_INFO: u32 = 0x8400_0004;
const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
const SYSTEM_OFF: u32 = 0x8400_0008;
const SYSTEM_RESET: u32 = 0x8400_0009;
const PSCI_FEATURES: u32 = 0x8400_000a;
const SYSTEM_RESET2: u32 = 0x8400_0012;

const VERSION_1_1: u64 = 0x1_0001;
/// No trusted operating system that would have to migrate.
const NO_MIGRATION: u64 = 2;

/// Affinity fields of `MPIDR_EL1`.
const AFFINITY: u64 = 0xff_00ff_ffff;

/// Which of `count` vCPUs has this affinity.
fn cpu_at(target: u64, count: usize) -> Option<usize> {
    let id = u8::try_from(target >> 4 & 0xf0 | target & 0xf).ok()?;
    (affinity(id) == target && usize::from(id) < count).then_some(usize::from(id))
}

/// Decides the call with registers x0 to x3 `arguments`, of a machine whose vCPUs have `power`
/// and whose memory is `memory` (start and end).
#[must_use]
pub fn call(arguments: [u64; 4], power: &[Power], memory: (u64, u64)) -> Effect {
    #[expect(clippy::cast_possible_truncation, reason = "the number is that of W0")]
    let function = arguments[0] as u32;
    let wide = function & WIDE != 0;
    let argument = |index: usize| {
        let value = arguments.get(index).copied().unwrap_or(0);
        if wide { value } else { value & 0xffff_ffff }
    };
    if wide && !has_wide(function & !WIDE) {
        return Effect::Return(NOT_SUPPORTED);
    }
    match function & !WIDE {
        SMCCC_VERSION | PSCI_VERSION => Effect::Return(VERSION_1_1),
        SMCCC_ARCH_FEATURES => {
            let known = matches!(argument(1), 0x8000_0000 | 0x8000_0001);
            Effect::Return(if known { SUCCESS } else { NOT_SUPPORTED })
        }
        PSCI_FEATURES => Effect::Return(feature(argument(1))),
        CPU_SUSPEND => Effect::Suspend,
        CPU_OFF => Effect::Off,
        CPU_ON => {
            let start = Start { address: argument(2), context: argument(3) };
            cpu_on(argument(1) & AFFINITY, start, power, memory)
        }
        AFFINITY_INFO => Effect::Return(affinity_info(argument(1), argument(2), power)),
        MIGRATE_INFO_TYPE => Effect::Return(NO_MIGRATION),
        SYSTEM_OFF => Effect::SystemOff,
        SYSTEM_RESET => Effect::SystemReset,
        // Type 0 is a warm reset; with bit 31 it is the vendor's, of whom there is none.
        SYSTEM_RESET2 if argument(1) == 0 => Effect::SystemReset,
        SYSTEM_RESET2 => Effect::Return(INVALID_PARAMETERS),
        _ => Effect::Return(NOT_SUPPORTED),
    }
}

/// Whether a function exists with arguments of 64 bits, too.
fn has_wide(function: u32) -> bool {
    matches!(function, CPU_SUSPEND | CPU_ON | AFFINITY_INFO | SYSTEM_RESET2)
}

fn feature(function: u64) -> u64 {
    let Ok(function) = u32::try_from(function) else {
        return NOT_SUPPORTED;
    };
    let narrow = function & !WIDE;
    let known = matches!(
        narrow,
        SMCCC_VERSION
            | PSCI_VERSION
            | CPU_SUSPEND
            | CPU_OFF
            | CPU_ON
            | AFFINITY_INFO
            | MIGRATE_INFO_TYPE
            | SYSTEM_OFF
            | SYSTEM_RESET
            | PSCI_FEATURES
            | SYSTEM_RESET2
    );
    let exists = known && (narrow == function || has_wide(narrow));
    if exists { SUCCESS } else { NOT_SUPPORTED }
}

fn cpu_on(target: u64, start: Start, power: &[Power], memory: (u64, u64)) -> Effect {
    let Some((cpu, state)) =
        cpu_at(target, power.len()).and_then(|cpu| Some((cpu, power.get(cpu)?)))
    else {
        return Effect::Return(INVALID_PARAMETERS);
    };
    match state {
        Power::On => Effect::Return(ALREADY_ON),
        Power::Pending(_) => Effect::Return(ON_PENDING),
        Power::Off => {
            let inside = (memory.0..memory.1).contains(&start.address);
            if inside && start.address % 4 == 0 {
                Effect::Start { cpu, start }
            } else {
                Effect::Return(INVALID_ADDRESS)
            }
        }
    }
}

fn affinity_info(target: u64, level: u64, power: &[Power]) -> u64 {
    // Whole clusters are nothing that can be asked about since PSCI 1.0.
    if level != 0 {
        return INVALID_PARAMETERS;
    }
    match cpu_at(target & AFFINITY, power.len()).and_then(|cpu| power.get(cpu)) {
        Some(Power::On) => 0,
        Some(Power::Off) => 1,
        Some(Power::Pending(_)) => 2,
        None => INVALID_PARAMETERS,
    }
}

#[cfg(test)]
#[path = "psci_test.rs"]
mod tests;
