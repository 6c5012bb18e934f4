//! Error numbers as a Linux guest knows them, from those of macOS.
//!
//! The two systems agree up to 34 and nearly nowhere beyond: macOS says 35 for "try again", which
//! to Linux is a deadlock. So no number of macOS ever reaches a reply but through this table. An
//! error that Linux has no name for becomes `EIO`.

/// Linux's `EIO`.
pub const EIO: i32 = 5;

/// Pairs of macOS's number (`bsd/sys/errno.h` of XNU) and Linux's (`asm-generic/errno.h`), which
/// is the same on x86-64 and aarch64. What is not here is the same on both up to 34.
const DIFFERENT: &[(i32, i32)] = &[
    (11, 35),   // EDEADLK
    (35, 11),   // EAGAIN
    (36, 115),  // EINPROGRESS
    (37, 114),  // EALREADY
    (38, 88),   // ENOTSOCK
    (39, 89),   // EDESTADDRREQ
    (40, 90),   // EMSGSIZE
    (41, 91),   // EPROTOTYPE
    (42, 92),   // ENOPROTOOPT
    (43, 93),   // EPROTONOSUPPORT
    (44, 94),   // ESOCKTNOSUPPORT
    (45, 95),   // ENOTSUP
    (46, 96),   // EPFNOSUPPORT
    (47, 97),   // EAFNOSUPPORT
    (48, 98),   // EADDRINUSE
    (49, 99),   // EADDRNOTAVAIL
    (50, 100),  // ENETDOWN
    (51, 101),  // ENETUNREACH
    (52, 102),  // ENETRESET
    (53, 103),  // ECONNABORTED
    (54, 104),  // ECONNRESET
    (55, 105),  // ENOBUFS
    (56, 106),  // EISCONN
    (57, 107),  // ENOTCONN
    (58, 108),  // ESHUTDOWN
    (59, 109),  // ETOOMANYREFS
    (60, 110),  // ETIMEDOUT
    (61, 111),  // ECONNREFUSED
    (62, 40),   // ELOOP
    (63, 36),   // ENAMETOOLONG
    (64, 112),  // EHOSTDOWN
    (65, 113),  // EHOSTUNREACH
    (66, 39),   // ENOTEMPTY
    (67, 11),   // EPROCLIM: too many processes, which Linux calls EAGAIN
    (68, 87),   // EUSERS
    (69, 122),  // EDQUOT
    (70, 116),  // ESTALE
    (71, 66),   // EREMOTE
    (77, 37),   // ENOLCK
    (78, 38),   // ENOSYS
    (79, 22),   // EFTYPE: not the kind of file that the call takes
    (80, 13),   // EAUTH
    (81, 13),   // ENEEDAUTH
    (84, 75),   // EOVERFLOW
    (85, 8),    // EBADEXEC
    (86, 8),    // EBADARCH
    (88, 8),    // EBADMACHO
    (89, 125),  // ECANCELED
    (90, 43),   // EIDRM
    (91, 42),   // ENOMSG
    (92, 84),   // EILSEQ: a name that is no UTF-8
    (93, 61),   // ENOATTR: no such extended attribute, which Linux calls ENODATA
    (94, 74),   // EBADMSG
    (95, 72),   // EMULTIHOP
    (96, 61),   // ENODATA
    (97, 67),   // ENOLINK
    (98, 63),   // ENOSR
    (99, 60),   // ENOSTR
    (100, 71),  // EPROTO
    (101, 62),  // ETIME
    (102, 95),  // EOPNOTSUPP
    (104, 131), // ENOTRECOVERABLE
    (105, 130), // EOWNERDEAD
];

/// Linux's number for one of macOS.
#[must_use]
pub fn linux_of_macos(number: i32) -> i32 {
    match DIFFERENT.iter().find(|(macos, _)| *macos == number) {
        Some((_, linux)) => *linux,
        None if (1..=34).contains(&number) => number,
        None => EIO,
    }
}

#[cfg(test)]
#[path = "errno_test.rs"]
mod tests;
