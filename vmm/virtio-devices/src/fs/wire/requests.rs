//! What follows [`InHeader`](super::InHeader) in a request.

use vm_memory::ByteValued;

use super::plain;

/// Defines request structures field by field.
macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $size:literal { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, Default)]
            #[repr(C)]
            #[expect(missing_docs, reason = "named as in the kernel's fuse.h")]
            pub struct $name { $(pub $field: $type),* }
        )*
        plain! { $($name = $size),* }
    };
}

requests! {
    /// `fuse_init_in` up to 7.35; `flags2` comes apart in [`InitMoreIn`].
    InitIn = 16 { major: u32, minor: u32, max_readahead: u32, flags: u32 }
    /// What `fuse_init_in` has since 7.36.
    InitMoreIn = 48 { flags2: u32, unused: [u32; 11] }
    /// `fuse_forget_in`
    ForgetIn = 8 { nlookup: u64 }
    /// `fuse_forget_one`
    ForgetOne = 16 { nodeid: u64, nlookup: u64 }
    /// `fuse_batch_forget_in`
    BatchForgetIn = 8 { count: u32, dummy: u32 }
    /// `fuse_getattr_in`
    GetattrIn = 16 { getattr_flags: u32, dummy: u32, fh: u64 }
    /// `fuse_statx_in`
    StatxIn = 24 { getattr_flags: u32, reserved: u32, fh: u64, sx_flags: u32, sx_mask: u32 }
    /// `fuse_setattr_in`
    SetattrIn = 88 {
        valid: u32, padding: u32, fh: u64, size: u64, lock_owner: u64, atime: u64, mtime: u64,
        ctime: u64, atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32, unused4: u32,
        uid: u32, gid: u32, unused5: u32,
    }
    /// `fuse_mknod_in`
    MknodIn = 16 { mode: u32, rdev: u32, umask: u32, padding: u32 }
    /// `fuse_mkdir_in`
    MkdirIn = 8 { mode: u32, umask: u32 }
    /// `fuse_rename_in`
    RenameIn = 8 { newdir: u64 }
    /// `fuse_rename2_in`
    Rename2In = 16 { newdir: u64, flags: u32, padding: u32 }
    /// `fuse_link_in`
    LinkIn = 8 { oldnodeid: u64 }
    /// `fuse_open_in`
    OpenIn = 8 { flags: u32, open_flags: u32 }
    /// `fuse_create_in`
    CreateIn = 16 { flags: u32, mode: u32, umask: u32, open_flags: u32 }
    /// `fuse_release_in`
    ReleaseIn = 24 { fh: u64, flags: u32, release_flags: u32, lock_owner: u64 }
    /// `fuse_flush_in`
    FlushIn = 24 { fh: u64, unused: u32, padding: u32, lock_owner: u64 }
    /// `fuse_read_in`
    ReadIn = 40 {
        fh: u64, offset: u64, size: u32, read_flags: u32, lock_owner: u64, flags: u32,
        padding: u32,
    }
    /// `fuse_write_in`
    WriteIn = 40 {
        fh: u64, offset: u64, size: u32, write_flags: u32, lock_owner: u64, flags: u32,
        padding: u32,
    }
    /// `fuse_fsync_in`
    FsyncIn = 16 { fh: u64, fsync_flags: u32, padding: u32 }
    /// `fuse_setxattr_in` without the extension, which is not negotiated.
    SetxattrIn = 8 { size: u32, flags: u32 }
    /// `fuse_getxattr_in`
    GetxattrIn = 8 { size: u32, padding: u32 }
    /// `fuse_file_lock`
    FileLock = 24 { start: u64, end: u64, kind: u32, pid: u32 }
    /// `fuse_lk_in`
    LkIn = 48 { fh: u64, owner: u64, lk: FileLock, lk_flags: u32, padding: u32 }
    /// `fuse_access_in`
    AccessIn = 8 { mask: u32, padding: u32 }
    /// `fuse_interrupt_in`
    InterruptIn = 8 { unique: u64 }
    /// `fuse_fallocate_in`
    FallocateIn = 32 { fh: u64, offset: u64, length: u64, mode: u32, padding: u32 }
    /// `fuse_lseek_in`
    LseekIn = 24 { fh: u64, offset: u64, whence: u32, padding: u32 }
    /// `fuse_copy_file_range_in`
    CopyIn = 56 {
        fh_in: u64, off_in: u64, nodeid_out: u64, fh_out: u64, off_out: u64, len: u64, flags: u64,
    }
}
