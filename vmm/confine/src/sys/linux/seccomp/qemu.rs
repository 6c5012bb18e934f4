//! QEMU as a CPU engine. It is not ours and makes code as it runs, so this is a list of what is
//! refused; QEMU's own `-sandbox` adds to it.

use libc::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
    CLONE_NEWUTS, SYS_acct, SYS_add_key, SYS_bpf, SYS_chroot, SYS_clone, SYS_delete_module,
    SYS_finit_module, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_kcmp, SYS_kexec_file_load,
    SYS_kexec_load, SYS_keyctl, SYS_kill, SYS_lookup_dcookie, SYS_mount, SYS_mount_setattr,
    SYS_move_mount, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_open_tree,
    SYS_perf_event_open, SYS_personality, SYS_pidfd_getfd, SYS_pidfd_open, SYS_pidfd_send_signal,
    SYS_pivot_root, SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_quotactl,
    SYS_reboot, SYS_request_key, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_setns,
    SYS_swapoff, SYS_swapon, SYS_syslog, SYS_tkill, SYS_umount2, SYS_unshare, SYS_userfaultfd,
    SYS_vhangup,
};

use super::table::{Allow, any, int, only, with};

#[expect(clippy::cast_sign_loss, reason = "flags are bits")]
const fn space(flag: i32) -> u32 {
    flag as u32
}

/// Answered with `EPERM`.
pub(super) const REFUSED: &[Allow] = &[
    // Namespaces and mounts.
    any(SYS_unshare),
    any(SYS_setns),
    only(
        SYS_clone,
        &[
            &[with(0, space(CLONE_NEWUSER))],
            &[with(0, space(CLONE_NEWNS))],
            &[with(0, space(CLONE_NEWNET))],
            &[with(0, space(CLONE_NEWPID))],
            &[with(0, space(CLONE_NEWIPC))],
            &[with(0, space(CLONE_NEWUTS))],
            &[with(0, space(CLONE_NEWCGROUP))],
        ],
    ),
    any(SYS_mount),
    any(SYS_umount2),
    any(SYS_pivot_root),
    any(SYS_chroot),
    any(SYS_open_tree),
    any(SYS_move_mount),
    any(SYS_fsopen),
    any(SYS_fsconfig),
    any(SYS_fsmount),
    any(SYS_fspick),
    any(SYS_mount_setattr),
    // Files by handle: out of any root.
    any(SYS_name_to_handle_at),
    any(SYS_open_by_handle_at),
    // Other processes.
    any(SYS_ptrace),
    any(SYS_process_vm_readv),
    any(SYS_process_vm_writev),
    any(SYS_kcmp),
    any(SYS_kill),
    any(SYS_tkill),
    any(SYS_rt_sigqueueinfo),
    any(SYS_rt_tgsigqueueinfo),
    any(SYS_pidfd_open),
    any(SYS_pidfd_getfd),
    any(SYS_pidfd_send_signal),
    // The network: there is none, and no reason to ask.
    only(
        libc::SYS_socket,
        &[
            &[int(0, libc::AF_UNIX as u32)],
            &[int(0, libc::AF_INET as u32)],
            &[int(0, libc::AF_INET6 as u32)],
            &[int(0, libc::AF_NETLINK as u32)],
            &[int(0, libc::AF_PACKET as u32)],
            &[int(0, libc::AF_VSOCK as u32)],
            &[int(0, libc::AF_ALG as u32)],
        ],
    ),
    // Parts of the kernel with a history of holes.
    any(SYS_bpf),
    any(SYS_perf_event_open),
    any(SYS_userfaultfd),
    any(SYS_io_uring_setup),
    any(SYS_io_uring_enter),
    any(SYS_io_uring_register),
    any(SYS_keyctl),
    any(SYS_add_key),
    any(SYS_request_key),
    any(SYS_lookup_dcookie),
    // The machine.
    any(SYS_init_module),
    any(SYS_finit_module),
    any(SYS_delete_module),
    any(SYS_kexec_load),
    any(SYS_kexec_file_load),
    any(SYS_reboot),
    any(SYS_swapon),
    any(SYS_swapoff),
    any(SYS_syslog),
    any(SYS_acct),
    any(SYS_quotactl),
    any(SYS_vhangup),
    any(SYS_personality),
    #[cfg(target_arch = "x86_64")]
    any(libc::SYS_iopl),
    #[cfg(target_arch = "x86_64")]
    any(libc::SYS_ioperm),
    #[cfg(target_arch = "x86_64")]
    any(libc::SYS_modify_ldt),
];
