#![expect(
    unsafe_code,
    reason = "marks plain structures as readable from and writable to raw bytes"
)]
//! The structures of the FUSE kernel protocol, version 7.31 to 7.41, as they lie in requests and
//! replies. Integers have the byte order of the machine, which guest and host share.

use vm_memory::ByteValued;

pub mod flags;
mod requests;

pub use requests::*;

/// Major version of the protocol.
pub const MAJOR: u32 = 7;
/// Oldest minor version spoken, that of the first virtio-fs driver (Linux 5.4). All structures
/// have had their present layout since long before.
pub const OLDEST_MINOR: u32 = 31;
/// Minor version announced: `FUSE_STATX` came with 7.39.
pub const MINOR: u32 = 39;
/// Node id of the share's root.
pub const ROOT_ID: u64 = 1;

/// Says that each of the structures is made of integers without padding between them.
macro_rules! plain {
    ($($name:ident = $size:literal),* $(,)?) => {$(
        const _: () = assert!(size_of::<$name>() == $size);
        // SAFETY: `repr(C)`, only integers and arrays of them, and of exactly the size that the
        // fields add up to: no padding, and every bit pattern is a value.
        unsafe impl ByteValued for $name {}
    )*};
}
use plain;

/// `fuse_in_header`: starts each request.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct InHeader {
    /// Length of the request with this header.
    pub len: u32,
    /// What is asked; [`Opcode`](super::opcode::Opcode).
    pub opcode: u32,
    /// Names the request; comes back in its reply.
    pub unique: u64,
    /// The node asked about.
    pub nodeid: u64,
    /// User who asks, as the guest sees it. Not used: everything is done as one user.
    pub uid: u32,
    /// Group who asks. Not used.
    pub gid: u32,
    /// Process that asks. Not used.
    pub pid: u32,
    /// Length of extensions at the end, in units of 8 bytes.
    pub total_extlen: u16,
    /// Unused.
    pub padding: u16,
}

/// `fuse_out_header`: starts each reply.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct OutHeader {
    /// Length of the reply with this header.
    pub len: u32,
    /// Zero, or a negative error number.
    pub error: i32,
    /// The request's.
    pub unique: u64,
}

/// `fuse_attr`: attributes of a node.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "named as in struct stat")]
pub struct Attr {
    pub ino: u64,
    pub size: u64,
    pub blocks: u64,
    pub atime: u64,
    pub mtime: u64,
    pub ctime: u64,
    pub atimensec: u32,
    pub mtimensec: u32,
    pub ctimensec: u32,
    pub mode: u32,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u32,
    pub blksize: u32,
    pub flags: u32,
}

/// `fuse_entry_out`: a name was resolved. Each of them counts one lookup of the node.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct EntryOut {
    /// The node.
    pub nodeid: u64,
    /// Always 0: node ids are never used again.
    pub generation: u64,
    /// Seconds for which the name may be believed.
    pub entry_valid: u64,
    /// Seconds for which the attributes may be believed.
    pub attr_valid: u64,
    /// Nanoseconds, added to `entry_valid`.
    pub entry_valid_nsec: u32,
    /// Nanoseconds, added to `attr_valid`.
    pub attr_valid_nsec: u32,
    /// The attributes.
    pub attr: Attr,
}

/// `fuse_attr_out`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct AttrOut {
    /// Seconds for which the attributes may be believed.
    pub attr_valid: u64,
    /// Nanoseconds, added to `attr_valid`.
    pub attr_valid_nsec: u32,
    /// Unused.
    pub dummy: u32,
    /// The attributes.
    pub attr: Attr,
}

/// `fuse_sx_time`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "named as in struct statx_timestamp")]
pub struct SxTime {
    pub sec: i64,
    pub nsec: u32,
    pub reserved: i32,
}

/// `fuse_statx`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "named as in struct statx")]
pub struct Statx {
    pub mask: u32,
    pub blksize: u32,
    pub attributes: u64,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    pub mode: u16,
    pub spare0: u16,
    pub ino: u64,
    pub size: u64,
    pub blocks: u64,
    pub attributes_mask: u64,
    pub atime: SxTime,
    pub btime: SxTime,
    pub ctime: SxTime,
    pub mtime: SxTime,
    pub rdev_major: u32,
    pub rdev_minor: u32,
    pub dev_major: u32,
    pub dev_minor: u32,
    pub spare2: [u64; 14],
}

/// `fuse_statx_out`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct StatxOut {
    /// Seconds for which the attributes may be believed.
    pub attr_valid: u64,
    /// Nanoseconds, added to `attr_valid`.
    pub attr_valid_nsec: u32,
    /// None defined.
    pub flags: u32,
    /// Unused.
    pub spare: [u64; 2],
    /// The attributes.
    pub stat: Statx,
}

/// `fuse_open_out`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct OpenOut {
    /// The handle.
    pub fh: u64,
    /// [`flags::open_reply`].
    pub open_flags: u32,
    /// No backing file is passed through.
    pub backing_id: i32,
}

/// `fuse_write_out`, and the reply to `FUSE_COPY_FILE_RANGE`, and `fuse_getxattr_out`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct SizeOut {
    /// Bytes.
    pub size: u32,
    /// Unused.
    pub padding: u32,
}

/// `fuse_lseek_out`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct LseekOut {
    /// The position found.
    pub offset: u64,
}

/// `fuse_kstatfs`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "named as in struct statfs")]
pub struct StatfsOut {
    pub blocks: u64,
    pub bfree: u64,
    pub bavail: u64,
    pub files: u64,
    pub ffree: u64,
    pub bsize: u32,
    pub namelen: u32,
    pub frsize: u32,
    pub padding: u32,
    pub spare: [u32; 6],
}

/// `fuse_dirent`, followed by its name and zeroes up to a multiple of 8.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct Dirent {
    /// Inode number.
    pub ino: u64,
    /// Where to go on after this entry.
    pub off: u64,
    /// Length of the name.
    pub namelen: u32,
    /// `DT_…`
    pub kind: u32,
}

/// `fuse_init_out`
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct InitOut {
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Largest read-ahead, in bytes.
    pub max_readahead: u32,
    /// Low half of the features taken.
    pub flags: u32,
    /// Requests in the background at once.
    pub max_background: u16,
    /// Of these, how many mean congestion.
    pub congestion_threshold: u16,
    /// Largest write, in bytes.
    pub max_write: u32,
    /// Granularity of times, in nanoseconds.
    pub time_gran: u32,
    /// Largest request, in pages.
    pub max_pages: u16,
    /// Only for DAX.
    pub map_alignment: u16,
    /// High half of the features taken.
    pub flags2: u32,
    /// Only for passthrough.
    pub max_stack_depth: u32,
    /// Unused.
    pub unused: [u32; 6],
}

plain! {
    InHeader = 40, OutHeader = 16, Attr = 88, EntryOut = 128, AttrOut = 104, SxTime = 16,
    Statx = 256, StatxOut = 288, OpenOut = 16, SizeOut = 8, LseekOut = 8, StatfsOut = 80,
    Dirent = 24, InitOut = 64,
}
