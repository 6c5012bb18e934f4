//! Attempts on the kernel.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr::null_mut,
};

use crate::attempts::check;

/// The usual name of an error number.
pub fn errno_name(number: i32) -> String {
    let name = match number {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::EACCES => "EACCES",
        libc::EINVAL => "EINVAL",
        libc::EROFS => "EROFS",
        libc::ENOSYS => "ENOSYS",
        libc::EXDEV => "EXDEV",
        libc::EBUSY => "EBUSY",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        _ => return format!("error {number}"),
    };
    name.to_owned()
}

pub fn socket(family: i32, kind: i32) -> io::Result<()> {
    unsafe { check(i64::from(libc::socket(family, kind, 0))) }
}

/// Reads a byte of another process. With the right to, that works or finds no memory there.
pub fn peek(process: i32) -> io::Result<()> {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(0x40_0000), iov_len: 1 };
    let count =
        unsafe { libc::process_vm_readv(process, &raw const local, 1, &raw const remote, 1, 0) };
    match check(count as i64) {
        Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        other => other,
    }
}

/// Mounts on a folder, in a mount namespace of its own if it may have one, for the host's sake.
pub fn mount(folder: &Path) -> io::Result<()> {
    let own = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
    let mut last = Err(io::ErrorKind::NotFound.into());
    for place in [folder.join("host"), "/run/model".into()] {
        let path = std::ffi::CString::new(place.as_os_str().as_bytes())?;
        let (kind, none) = (c"tmpfs".as_ptr(), std::ptr::null());
        last = check(i64::from(unsafe { libc::mount(kind, path.as_ptr(), kind, 0, none) }));
        if last.is_ok() {
            if !own {
                unsafe { libc::umount(path.as_ptr()) };
            }
            break;
        }
    }
    last
}

pub fn make_device(path: PathBuf) -> io::Result<()> {
    let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let device = libc::makedev(1, 3);
    check(i64::from(unsafe { libc::mknod(name.as_ptr(), libc::S_IFCHR | 0o666, device) }))?;
    fs::remove_file(path)
}

pub fn io_uring() -> io::Result<()> {
    let mut parameters = [0_u32; 30];
    check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &raw mut parameters) })
}

/// Makes an array of one number.
pub fn bpf() -> io::Result<()> {
    let mut request = [0_u32; 32];
    request[..4].copy_from_slice(&[2, 4, 8, 1]);
    check(unsafe { libc::syscall(libc::SYS_bpf, 0, &raw const request, size_of_val(&request)) })
}

/// Counts page faults of all processes on the first CPU.
pub fn perf() -> io::Result<()> {
    let mut request = [0_u32; 32];
    // Software, the structure's size, page faults.
    request[..4].copy_from_slice(&[1, 128, 2, 0]);
    check(unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const request, -1, 0, -1, 0_u64) })
}

/// Adds a key to the process's ring.
pub fn key() -> io::Result<()> {
    let (kind, name) = (c"user".as_ptr(), c"confine".as_ptr());
    check(unsafe { libc::syscall(libc::SYS_add_key, kind, name, name, 1, -2) })
}

/// Lowers a limit for good, and raises it.
pub fn raise_limit() -> io::Result<()> {
    let set = |value| {
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        check(i64::from(unsafe { libc::setrlimit(libc::RLIMIT_MSGQUEUE, &raw const limit) }))
    };
    set(1)?;
    set(2)
}

/// Opens a folder by its handle, or by one that common file systems give their root.
pub fn by_handle(folder: &Path) -> io::Result<()> {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        data: [u8; 128],
    }
    let mut handle = Handle { bytes: 128, kind: 0, data: [0; 128] };
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    let mut mount = 0;
    let named = unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at,
            libc::AT_FDCWD,
            path.as_ptr(),
            &raw mut handle,
            &raw mut mount,
            0,
        )
    };
    if named < 0 {
        (handle.bytes, handle.kind, handle.data[0]) = (8, 1, 2);
    }
    let at = File::open(folder).or_else(|_| File::open("/models/folder"))?;
    check(unsafe {
        use std::os::fd::AsRawFd;
        libc::syscall(
            libc::SYS_open_by_handle_at,
            at.as_raw_fd(),
            &raw const handle,
            libc::O_RDONLY,
        )
    })
}

pub fn writable_code() -> io::Result<()> {
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    if unsafe { libc::mmap(null_mut(), 4096, all, kind, -1, 0) } == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
