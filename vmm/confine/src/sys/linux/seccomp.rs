//! System call filters: a table for each role, compiled when it is installed.
//!
//! The tables are lists of what is allowed ([`table`] has their vocabulary); everything else
//! kills the process. Three kinds of exception:
//!
//! - a call that the C library tries first and does well without answers `ENOSYS`
//!   ([`common::ABSENT`]): `clone3`, whose flags a filter cannot see;
//! - QEMU, which is not ours, has a list of what is refused;
//! - a model server, which is not ours either but a target, has a list of what is allowed, and
//!   the rest answers `EPERM`: it does without what it does not need ([`server`], [`once`]);
//! - [`Denied::Trap`] makes a refusal talk before it ends the process ([`trap`]).

mod bridge;
mod common;
mod fs;
mod model;
pub(super) mod once;
mod qemu;
mod server;
mod table;
mod trap;
mod vmm;
mod vsock;

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads, sock_filter,
};
use table::Allow;

use crate::{Denied, Error, Result, Role, State};

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// The part of a socket's type that is not a flag (`SOCK_TYPE_MASK`).
const KIND: u32 = 0xf;

/// Refuses the second set of numbers that x86-64 has for the same calls (x32): a list of
/// refusals would miss them.
const NO_X32: [sock_filter; 4] = [
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
    statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, 0x4000_0000),
    statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
];

const fn statement(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter {
        #[expect(clippy::cast_possible_truncation, reason = "codes have 16 bits")]
        code: code as u16,
        jt,
        jf,
        k,
    }
}

/// The tables of a role that has a list of what is allowed.
fn tables(role: Role) -> Option<[&'static [Allow]; 2]> {
    match role {
        Role::Fs => Some([common::ALLOWED, fs::ALLOWED]),
        Role::Vsock => Some([common::ALLOWED, vsock::ALLOWED]),
        Role::Vmm => Some([common::ALLOWED, vmm::ALLOWED]),
        Role::Bridge => Some([common::ALLOWED, bridge::ALLOWED]),
        Role::Model => Some([common::ALLOWED, model::ALLOWED]),
        Role::Qemu => None,
    }
}

/// Compiles and installs the filters of `role` on all threads.
pub(super) fn install(role: Role, denied: Denied) -> Result<State> {
    let said = match tables(role) {
        Some(tables) => {
            let action = match denied {
                Denied::Kill => SeccompAction::KillProcess,
                Denied::Trap => {
                    trap::arm(role)?;
                    SeccompAction::Trap
                }
            };
            let absent = deny(common::ABSENT, libc::ENOSYS)?;
            let allowed = allow(&tables, action)?;
            apply(&absent)?;
            apply(&allowed)?;
            let count: usize = tables.iter().map(|table| table.len()).sum();
            format!("{count} system calls allowed, all else kills")
        }
        None => {
            // Only the list of refusals: clone3 stays refused as absent, so that the
            // flags of clone can be looked at.
            let absent = deny(common::ABSENT, libc::ENOSYS)?;
            let refused = deny(qemu::REFUSED, libc::EPERM)?;
            apply(&absent)?;
            apply(&refused)?;
            apply(&NO_X32)?;
            format!("{} system calls refused, and QEMU's own filter", qemu::REFUSED.len())
        }
    };
    Ok(State::active(said))
}

/// Compiles and installs the filter of a foreign server in the calling process, which has one
/// thread and is about to become it.
pub(super) fn install_server(devices: bool, denied: Denied) -> Result<()> {
    let devices = if devices { server::DEVICES } else { &[] };
    let absent = deny(common::ABSENT, libc::ENOSYS)?;
    let allowed = allow_server(devices)?;
    apply(&absent)?;
    match denied {
        Denied::Kill => apply(&allowed),
        Denied::Trap => {
            once::install_logged(&allowed).map_err(|error| Error::Seccomp(error.to_string()))
        }
    }
}

fn allow_server(devices: &[Allow]) -> Result<BpfProgram> {
    let mut rules = collect(&[common::ALLOWED, server::ALLOWED, server::OLDER, devices])?;
    for number in server::WITHOUT {
        rules.remove(number);
    }
    rules.insert(libc::SYS_tgkill, own_threads().map_err(failed)?);
    compile(rules, SeccompAction::Errno(errno(libc::EPERM)?), SeccompAction::Allow)
}

/// A filter that allows `tables` and meets the rest with `action`.
fn allow(tables: &[&[Allow]], action: SeccompAction) -> Result<BpfProgram> {
    let mut rules = collect(tables)?;
    // Signals to threads of this process: how a vCPU is stopped, and how a process aborts.
    rules.insert(libc::SYS_tgkill, own_threads().map_err(failed)?);
    compile(rules, action, SeccompAction::Allow)
}

fn own_threads() -> std::result::Result<Vec<SeccompRule>, BackendError> {
    let own = u64::from(std::process::id());
    let is_own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    Ok(vec![SeccompRule::new(vec![is_own])?])
}

/// A filter that answers the calls of `table` with `errno` and allows the rest.
fn deny(table: &[Allow], errno: i32) -> Result<BpfProgram> {
    compile(collect(&[table])?, SeccompAction::Allow, SeccompAction::Errno(self::errno(errno)?))
}

fn errno(errno: i32) -> Result<u32> {
    u32::try_from(errno).map_err(|_| Error::Seccomp("no such error".to_owned()))
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The rules of all entries, by number.
fn collect(tables: &[&[Allow]]) -> Result<Rules> {
    let mut rules = Rules::new();
    for entry in tables.iter().copied().flatten() {
        let compiled = entry.rules().map_err(failed)?;
        // No condition means any arguments, also when another entry has conditions.
        match rules.get_mut(&entry.number) {
            Some(known) if known.is_empty() => {}
            Some(known) if !compiled.is_empty() => known.extend(compiled),
            _ => {
                rules.insert(entry.number, compiled);
            }
        }
    }
    Ok(rules)
}

fn compile(rules: Rules, other: SeccompAction, named: SeccompAction) -> Result<BpfProgram> {
    SeccompFilter::new(rules, other, named, ARCH).and_then(BpfProgram::try_from).map_err(failed)
}

fn failed(error: BackendError) -> Error {
    Error::Seccomp(error.to_string())
}

fn apply(program: &[sock_filter]) -> Result<()> {
    apply_filter_all_threads(program).map_err(|error| Error::Seccomp(error.to_string()))
}

#[cfg(test)]
#[path = "seccomp_test.rs"]
mod tests;
