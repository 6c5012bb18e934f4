use super::*;

/// Every error of macOS 15 (`bsd/sys/errno.h`, 1 to `ELAST`), with Linux's number under the same
/// name, or none where Linux has none of that name.
const MACOS: &[(&str, i32, Option<i32>)] = &[
    ("EPERM", 1, Some(libc::EPERM)),
    ("ENOENT", 2, Some(libc::ENOENT)),
    ("ESRCH", 3, Some(libc::ESRCH)),
    ("EINTR", 4, Some(libc::EINTR)),
    ("EIO", 5, Some(libc::EIO)),
    ("ENXIO", 6, Some(libc::ENXIO)),
    ("E2BIG", 7, Some(libc::E2BIG)),
    ("ENOEXEC", 8, Some(libc::ENOEXEC)),
    ("EBADF", 9, Some(libc::EBADF)),
    ("ECHILD", 10, Some(libc::ECHILD)),
    ("EDEADLK", 11, Some(libc::EDEADLK)),
    ("ENOMEM", 12, Some(libc::ENOMEM)),
    ("EACCES", 13, Some(libc::EACCES)),
    ("EFAULT", 14, Some(libc::EFAULT)),
    ("ENOTBLK", 15, Some(libc::ENOTBLK)),
    ("EBUSY", 16, Some(libc::EBUSY)),
    ("EEXIST", 17, Some(libc::EEXIST)),
    ("EXDEV", 18, Some(libc::EXDEV)),
    ("ENODEV", 19, Some(libc::ENODEV)),
    ("ENOTDIR", 20, Some(libc::ENOTDIR)),
    ("EISDIR", 21, Some(libc::EISDIR)),
    ("EINVAL", 22, Some(libc::EINVAL)),
    ("ENFILE", 23, Some(libc::ENFILE)),
    ("EMFILE", 24, Some(libc::EMFILE)),
    ("ENOTTY", 25, Some(libc::ENOTTY)),
    ("ETXTBSY", 26, Some(libc::ETXTBSY)),
    ("EFBIG", 27, Some(libc::EFBIG)),
    ("ENOSPC", 28, Some(libc::ENOSPC)),
    ("ESPIPE", 29, Some(libc::ESPIPE)),
    ("EROFS", 30, Some(libc::EROFS)),
    ("EMLINK", 31, Some(libc::EMLINK)),
    ("EPIPE", 32, Some(libc::EPIPE)),
    ("EDOM", 33, Some(libc::EDOM)),
    ("ERANGE", 34, Some(libc::ERANGE)),
    ("EAGAIN", 35, Some(libc::EAGAIN)),
    ("EINPROGRESS", 36, Some(libc::EINPROGRESS)),
    ("EALREADY", 37, Some(libc::EALREADY)),
    ("ENOTSOCK", 38, Some(libc::ENOTSOCK)),
    ("EDESTADDRREQ", 39, Some(libc::EDESTADDRREQ)),
    ("EMSGSIZE", 40, Some(libc::EMSGSIZE)),
    ("EPROTOTYPE", 41, Some(libc::EPROTOTYPE)),
    ("ENOPROTOOPT", 42, Some(libc::ENOPROTOOPT)),
    ("EPROTONOSUPPORT", 43, Some(libc::EPROTONOSUPPORT)),
    ("ESOCKTNOSUPPORT", 44, Some(libc::ESOCKTNOSUPPORT)),
    ("ENOTSUP", 45, Some(libc::ENOTSUP)),
    ("EPFNOSUPPORT", 46, Some(libc::EPFNOSUPPORT)),
    ("EAFNOSUPPORT", 47, Some(libc::EAFNOSUPPORT)),
    ("EADDRINUSE", 48, Some(libc::EADDRINUSE)),
    ("EADDRNOTAVAIL", 49, Some(libc::EADDRNOTAVAIL)),
    ("ENETDOWN", 50, Some(libc::ENETDOWN)),
    ("ENETUNREACH", 51, Some(libc::ENETUNREACH)),
    ("ENETRESET", 52, Some(libc::ENETRESET)),
    ("ECONNABORTED", 53, Some(libc::ECONNABORTED)),
    ("ECONNRESET", 54, Some(libc::ECONNRESET)),
    ("ENOBUFS", 55, Some(libc::ENOBUFS)),
    ("EISCONN", 56, Some(libc::EISCONN)),
    ("ENOTCONN", 57, Some(libc::ENOTCONN)),
    ("ESHUTDOWN", 58, Some(libc::ESHUTDOWN)),
    ("ETOOMANYREFS", 59, Some(libc::ETOOMANYREFS)),
    ("ETIMEDOUT", 60, Some(libc::ETIMEDOUT)),
    ("ECONNREFUSED", 61, Some(libc::ECONNREFUSED)),
    ("ELOOP", 62, Some(libc::ELOOP)),
    ("ENAMETOOLONG", 63, Some(libc::ENAMETOOLONG)),
    ("EHOSTDOWN", 64, Some(libc::EHOSTDOWN)),
    ("EHOSTUNREACH", 65, Some(libc::EHOSTUNREACH)),
    ("ENOTEMPTY", 66, Some(libc::ENOTEMPTY)),
    ("EPROCLIM", 67, None),
    ("EUSERS", 68, Some(libc::EUSERS)),
    ("EDQUOT", 69, Some(libc::EDQUOT)),
    ("ESTALE", 70, Some(libc::ESTALE)),
    ("EREMOTE", 71, Some(libc::EREMOTE)),
    ("EBADRPC", 72, None),
    ("ERPCMISMATCH", 73, None),
    ("EPROGUNAVAIL", 74, None),
    ("EPROGMISMATCH", 75, None),
    ("EPROCUNAVAIL", 76, None),
    ("ENOLCK", 77, Some(libc::ENOLCK)),
    ("ENOSYS", 78, Some(libc::ENOSYS)),
    ("EFTYPE", 79, None),
    ("EAUTH", 80, None),
    ("ENEEDAUTH", 81, None),
    ("EPWROFF", 82, None),
    ("EDEVERR", 83, None),
    ("EOVERFLOW", 84, Some(libc::EOVERFLOW)),
    ("EBADEXEC", 85, None),
    ("EBADARCH", 86, None),
    ("ESHLIBVERS", 87, None),
    ("EBADMACHO", 88, None),
    ("ECANCELED", 89, Some(libc::ECANCELED)),
    ("EIDRM", 90, Some(libc::EIDRM)),
    ("ENOMSG", 91, Some(libc::ENOMSG)),
    ("EILSEQ", 92, Some(libc::EILSEQ)),
    ("ENOATTR", 93, None),
    ("EBADMSG", 94, Some(libc::EBADMSG)),
    ("EMULTIHOP", 95, Some(libc::EMULTIHOP)),
    ("ENODATA", 96, Some(libc::ENODATA)),
    ("ENOLINK", 97, Some(libc::ENOLINK)),
    ("ENOSR", 98, Some(libc::ENOSR)),
    ("ENOSTR", 99, Some(libc::ENOSTR)),
    ("EPROTO", 100, Some(libc::EPROTO)),
    ("ETIME", 101, Some(libc::ETIME)),
    ("EOPNOTSUPP", 102, Some(libc::EOPNOTSUPP)),
    ("ENOPOLICY", 103, None),
    ("ENOTRECOVERABLE", 104, Some(libc::ENOTRECOVERABLE)),
    ("EOWNERDEAD", 105, Some(libc::EOWNERDEAD)),
    ("EQFULL", 106, None),
];

#[test]
fn every_error_of_macos_is_told_in_linux_numbers() {
    for (place, (name, macos, _)) in (1..).zip(MACOS) {
        assert_eq!(place, *macos, "{name}: the list has a gap");
    }
    for (name, macos, linux) in MACOS {
        let got = linux_of_macos(*macos);
        match linux {
            // Where both have the name, the table must not invent another meaning.
            Some(linux) if cfg!(target_os = "linux") => assert_eq!(got, *linux, "{name}"),
            Some(_) => assert!((1..=131).contains(&got), "{name}"),
            None => assert!([5, 8, 11, 13, 22, 61].contains(&got), "{name}: {got}"),
        }
    }
}

#[test]
fn what_no_system_has_is_an_error_of_the_device() {
    for number in [i32::MIN, -1, 0, 107, 256, 512, i32::MAX] {
        assert_eq!(linux_of_macos(number), EIO);
    }
}

#[test]
fn no_two_rows_contradict_each_other() {
    for (place, (macos, linux)) in DIFFERENT.iter().enumerate() {
        assert_ne!(macos, linux, "no row is needed");
        assert!(DIFFERENT.iter().skip(place + 1).all(|(other, _)| other != macos), "{macos}");
    }
}

/// The numbers of the list, held against those of the system's own headers while compiling for it.
#[cfg(target_os = "macos")]
const _: () = {
    let mut place = 0;
    while place < MACOS.len() {
        if let Some(own) = MACOS[place].2 {
            assert!(own == MACOS[place].1);
        }
        place += 1;
    }
    assert!(libc::ENOATTR == 93 && libc::EPROCLIM == 67 && libc::EFTYPE == 79);
    assert!(libc::EAUTH == 80 && libc::ENEEDAUTH == 81 && libc::EQFULL == 106);
};
