//! What a FUSE request can ask for.

/// Defines the opcodes and their numbers.
macro_rules! opcodes {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// A request's kind; `FUSE_…` in the kernel's fuse.h.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "named as in the kernel's fuse.h")]
        pub enum Opcode { $($name = $number),* }

        impl Opcode {
            /// Every opcode that is known.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The opcode with this number, if it is one.
            #[must_use]
            pub fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

opcodes! {
    Lookup = 1, Forget = 2, Getattr = 3, Setattr = 4, Readlink = 5, Symlink = 6, Mknod = 8,
    Mkdir = 9, Unlink = 10, Rmdir = 11, Rename = 12, Link = 13, Open = 14, Read = 15, Write = 16,
    Statfs = 17, Release = 18, Fsync = 20, Setxattr = 21, Getxattr = 22, Listxattr = 23,
    Removexattr = 24, Flush = 25, Init = 26, Opendir = 27, Readdir = 28, Releasedir = 29,
    Fsyncdir = 30, Getlk = 31, Setlk = 32, Setlkw = 33, Access = 34, Create = 35, Interrupt = 36,
    Destroy = 38, BatchForget = 42, Fallocate = 43, Readdirplus = 44, Rename2 = 45, Lseek = 46,
    CopyFileRange = 47, Syncfs = 50, Tmpfile = 51, Statx = 52,
}
