#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_table_compiles() {
    for role in Role::ALL {
        match tables(role) {
            Some(tables) => {
                let program = allow(&tables, SeccompAction::KillProcess).unwrap();
                assert!(program.len() < 4096, "{role}: {}", program.len());
            }
            None => {
                deny(qemu::REFUSED, libc::EPERM).unwrap();
            }
        }
    }
    deny(common::ABSENT, libc::ENOSYS).unwrap();
    for devices in [&[], server::DEVICES] {
        assert!(allow_server(devices).unwrap().len() < 4096);
    }
}

#[test]
fn an_entry_without_conditions_wins() {
    use super::table::{any, int, only};
    const SOME: &[Allow] = &[only(1, &[&[int(0, 7)]])];
    const ALL: &[Allow] = &[any(1)];
    for tables in [[SOME, ALL], [ALL, SOME]] {
        assert!(collect(&tables).unwrap()[&1].is_empty());
    }
    assert_eq!(collect(&[SOME, SOME]).unwrap()[&1].len(), 2);
}

#[test]
fn no_table_has_what_leads_out() {
    let forbidden = [
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_open_by_handle_at,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_memfd_create,
        libc::SYS_kill,
        libc::SYS_chroot,
        libc::SYS_process_vm_readv,
        libc::SYS_pidfd_getfd,
    ];
    for role in Role::ALL {
        for table in tables(role).into_iter().flatten() {
            for entry in table {
                // The launcher of a server connects to it.
                let connects = [libc::SYS_socket, libc::SYS_connect];
                if role != Role::Model || !connects.contains(&entry.number) {
                    assert!(!forbidden.contains(&entry.number), "{role}: {}", entry.number);
                }
                if role != Role::Fs {
                    let opens = [libc::SYS_openat, libc::SYS_openat2];
                    assert!(!opens.contains(&entry.number), "{role}: {}", entry.number);
                }
            }
        }
    }
}

#[test]
fn the_server_has_no_way_out() {
    let forbidden = [
        libc::SYS_connect,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_open_by_handle_at,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_chroot,
        libc::SYS_mknodat,
        libc::SYS_personality,
        libc::SYS_pkey_mprotect,
        libc::SYS_seccomp,
        libc::SYS_setresuid,
        libc::SYS_sendmmsg,
    ];
    for table in [common::ALLOWED, server::ALLOWED, server::OLDER, server::DEVICES] {
        for entry in table {
            assert!(!forbidden.contains(&entry.number), "{}", entry.number);
        }
    }
}
