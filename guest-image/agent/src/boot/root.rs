//! The root: images, read-only, under a layer in memory.
//!
//! ```text
//!   /layer/upper      in memory, takes every change
//!   /layer/containers in memory too, at /var/lib/containers
//!   layers' images    programs such as agents or a project's own, if there are any
//!   root's image      the distribution
//! ```
//!
//! There are as many disks with layers as the variable `qvm_layers` says, which comes from the
//! kernel's command line. In which order the disks are found is the kernel's business: the root
//! is the one with an `/etc`, which no layer has but that of a development shell; it is told by a
//! file of its own.

use std::env;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind, mount_move};
use rustix::process::{chdir, chroot};

use super::mounts::MountError;

/// The disks, and where each is mounted. Most machines have one or two.
const DISKS: [(&str, &str); 8] = [
    ("/dev/vda", "/image0"),
    ("/dev/vdb", "/image1"),
    ("/dev/vdc", "/image2"),
    ("/dev/vdd", "/image3"),
    ("/dev/vde", "/image4"),
    ("/dev/vdf", "/image5"),
    ("/dev/vdg", "/image6"),
    ("/dev/vdh", "/image7"),
];

/// What the layer of a development shell has in its `/etc`, for login shells.
const DEV_SHELL: &str = "etc/qvm/dev-env.bash";

/// How long to wait for a disk. It is usually there when its driver is.
const LIMIT: Duration = Duration::from_secs(10);

/// Options of the layer in memory: at most three quarters of it, so that a program that writes
/// too much gets "no space left" before the kernel has to kill something.
const LAYER: &CStr = c"mode=755,size=75%";

/// Options of the overlay beside the images. Renaming a folder of the image works in place of
/// `EXDEV`, inode numbers are stable where they fit, and nothing is ever synced, because nothing
/// remains.
const OVERLAY: &str =
    "upperdir=/layer/upper,workdir=/layer/work,redirect_dir=on,xino=auto,volatile";

/// Where containers of the guest are kept. An overlay cannot take the changes of another one, so
/// this is the memory below it, with the same limit (requirement A15).
const CONTAINERS: (&str, &str) = ("/layer/containers", "/root.new/var/lib/containers");

/// Mounts the root and moves this process (and the kernel's own helpers, which share its view)
/// into it. What the initramfs held is freed.
///
/// # Errors
/// The mount that failed.
pub fn enter() -> Result<(), MountError> {
    for folder in ["/layer", "/root.new"] {
        // An existing one serves as well; a missing one makes the mount fail.
        let _ = fs::create_dir(folder);
    }
    let disks = &DISKS[..disks(env::var("qvm_layers").ok().as_deref())];
    for (disk, place) in disks {
        let _ = fs::create_dir(place);
        mount_disk(disk, place)?;
    }
    let options = overlay(disks.iter().map(|(_, place)| *place), |place| is_root(Path::new(place)));
    let options = options.ok_or_else(|| MountError {
        what: "any disk".into(),
        target: "/".into(),
        source: io::Error::other("none has an /etc, so none is a root"),
    })?;
    done("tmpfs", "/layer", mount("qvm", "/layer", "tmpfs", MountFlags::empty(), LAYER))?;
    for folder in ["/layer/upper", "/layer/work"] {
        let _ = fs::create_dir(folder);
    }
    done(
        "overlay",
        "/root.new",
        mount("qvm", "/root.new", "overlay", MountFlags::empty(), options.as_c_str()),
    )?;
    show_containers();
    // Memory of the initramfs; the program that runs stays as long as it runs.
    let _ = fs::remove_dir_all("/modules");
    let _ = fs::remove_file("/init");
    let moved = chdir("/root.new")
        .and_then(|()| mount_move(".", "/"))
        .and_then(|()| chroot("."))
        .and_then(|()| chdir("/"));
    done("the new root", "/", moved)
}

/// Puts the memory at the place in [`CONTAINERS`], where every user may make a folder. An image
/// without that place has no use for it, and a guest without the mount does all the rest.
fn show_containers() {
    let (memory, place) = CONTAINERS;
    if Path::new(place).is_dir() {
        let _ = fs::create_dir(memory);
        let _ = fs::set_permissions(memory, fs::Permissions::from_mode(0o1777));
        let _ = mount_bind(memory, place);
    }
}

/// How many disks there are: the root's and, as the variable says, those above it.
fn disks(layers: Option<&str>) -> usize {
    let layers: usize = layers.and_then(|text| text.parse().ok()).unwrap_or(0);
    layers.saturating_add(1).min(DISKS.len())
}

/// Whether the disk that is mounted here is the root and no layer.
fn is_root(place: &Path) -> bool {
    place.join("etc").is_dir() && !place.join(DEV_SHELL).exists()
}

/// Options of the overlay: of the images the root's is the lowest. The host names it first, and
/// the highest layer last; a kernel that finds it last has found all of them backwards.
fn overlay<'a>(
    places: impl Iterator<Item = &'a str>,
    is_root: impl Fn(&str) -> bool,
) -> Option<CString> {
    let mut places: Vec<&str> = places.collect();
    let root = places.iter().position(|place| is_root(place))?;
    let lowest = places.remove(root);
    if root == 0 {
        places.reverse();
    }
    places.push(lowest);
    CString::new(format!("lowerdir={},{OVERLAY}", places.join(":"))).ok()
}

/// Mounts a disk as soon as it is there.
fn mount_disk(disk: &str, place: &str) -> Result<(), MountError> {
    let until = Instant::now() + LIMIT;
    let mut pause = Duration::from_micros(200);
    loop {
        let result = mount(disk, place, "erofs", MountFlags::RDONLY, c"");
        let absent = matches!(result, Err(Errno::NOENT | Errno::NXIO)) && Path::new(place).exists();
        if !absent || Instant::now() > until {
            return done(disk, place, result);
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

#[cfg(test)]
#[path = "root_test.rs"]
mod tests;
