//! The root: the image, read-only, under a layer in memory.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::process::{chdir, chroot};

use super::mounts::MountError;

/// The disk with the image.
const DISK: &str = "/dev/vda";

/// How long to wait for [`DISK`]. It is usually there when its driver is.
const LIMIT: Duration = Duration::from_secs(10);

/// Options of the layer in memory: at most three quarters of it, so that a program that writes
/// too much gets "no space left" before the kernel has to kill something.
const LAYER: &std::ffi::CStr = c"mode=755,size=75%";

/// Options of the overlay. Renaming a folder of the image works in place of `EXDEV`, inode
/// numbers are stable where they fit, and nothing is ever synced, because nothing remains.
const OVERLAY: &std::ffi::CStr =
    c"lowerdir=/image,upperdir=/layer/upper,workdir=/layer/work,redirect_dir=on,xino=auto,volatile";

/// Mounts the root and moves this process (and the kernel's own helpers, which share its view)
/// into it. What the initramfs held is freed.
///
/// # Errors
/// The mount that failed.
pub fn enter() -> Result<(), MountError> {
    for folder in ["/image", "/layer", "/root.new"] {
        // An existing one serves as well; a missing one makes the mount fail.
        let _ = fs::create_dir(folder);
    }
    mount_disk()?;
    done("tmpfs", "/layer", mount("qvm", "/layer", "tmpfs", MountFlags::empty(), LAYER))?;
    for folder in ["/layer/upper", "/layer/work"] {
        let _ = fs::create_dir(folder);
    }
    done(
        "overlay",
        "/root.new",
        mount("qvm", "/root.new", "overlay", MountFlags::empty(), OVERLAY),
    )?;
    // Memory of the initramfs; the program that runs stays as long as it runs.
    let _ = fs::remove_dir_all("/modules");
    let _ = fs::remove_file("/init");
    let moved = chdir("/root.new")
        .and_then(|()| mount_move(".", "/"))
        .and_then(|()| chroot("."))
        .and_then(|()| chdir("/"));
    done("the new root", "/", moved)
}

/// Mounts [`DISK`] as soon as it is there.
fn mount_disk() -> Result<(), MountError> {
    let until = Instant::now() + LIMIT;
    let mut pause = Duration::from_micros(200);
    loop {
        let result = mount(DISK, "/image", "erofs", MountFlags::RDONLY, c"");
        let absent =
            matches!(result, Err(Errno::NOENT | Errno::NXIO)) && !Path::new("/image/usr").exists();
        if !absent || Instant::now() > until {
            return done(DISK, "/image", result);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Names what failed.
fn done(what: &str, target: &str, result: Result<(), Errno>) -> Result<(), MountError> {
    result.map_err(|errno| MountError {
        what: what.into(),
        target: target.into(),
        source: io::Error::from(errno),
    })
}
