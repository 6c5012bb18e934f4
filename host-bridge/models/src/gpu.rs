//! What a GPU needs: device files and system files on Linux, Metal on macOS.
//!
//! ```text
//! gpu = auto ─┬─ server has Metal, this is a Mac ───────────▶ Apple
//!             ├─ server has CUDA, /dev/nvidiactl is there ──▶ NVIDIA
//!             ├─ server has HIP, /dev/kfd is there ─────────▶ AMD
//!             ├─ server has Vulkan ─────────────────────────▶ whichever is there
//!             └─ otherwise ─────────────────────────────────▶ none
//! ```
//!
//! A GPU's driver is a large attack surface: nothing of it is granted unless it is used, and what
//! controls a display (`card*`, `nvidia-modeset`) never.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::Gpu;
use crate::server::{Backend, Kind, Server};

/// Most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 4096;

/// What is under `/dev`.
pub type Devices = BTreeSet<String>;

/// What stands for Apple's GPU among [`Devices`].
pub const METAL: &str = "metal";

/// What a sandbox has to grant for a GPU. Empty: there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Whose it is; for people.
    pub vendors: Vec<&'static str>,
    /// Device files, to be read and written.
    pub devices: Vec<PathBuf>,
    /// Apple's GPU, by Metal: there are no device files.
    pub metal: bool,
    /// Files and folders to be read, where they exist.
    pub reads: Vec<PathBuf>,
    /// Folders with libraries of drivers, to be read and mapped executable, where they exist.
    pub libraries: Vec<PathBuf>,
}

impl Grants {
    /// Nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty() && !self.metal
    }
}

/// Names below `dev` that could be of a GPU: its own entries, and those of `dri` and
/// `nvidia-caps`. What cannot be read has none. On macOS [`METAL`] stands for the GPU, which every
/// Mac has.
#[must_use]
pub fn devices(dev: &Path) -> Devices {
    let mut found = Devices::new();
    if cfg!(target_os = "macos") {
        found.insert(METAL.into());
    }
    for folder in ["", "dri", "nvidia-caps"] {
        let Ok(entries) = dev.join(folder).read_dir() else { continue };
        for entry in entries.flatten().take(MOST_ENTRIES) {
            if let (Ok(name), false) = (
                entry.file_name().into_string(),
                entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()),
            ) {
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                found.insert(name);
            }
        }
    }
    found
}

/// What the server is given, of what is there.
#[must_use]
pub fn grants(choice: Gpu, server: &Server, dev: &Devices) -> Grants {
    let has = |backend| server.backends.contains(&backend);
    // A llamafile, or a server without back ends beside it, has them inside, if any.
    let unknown = server.kind == Kind::Llamafile || server.backends.is_empty();
    let rooted = matches!(server.layout, crate::server::Layout::Rooted { .. });
    let auto = choice == Gpu::Auto;
    // A private root shows its back ends, and nothing of the host's drivers.
    let maybe = unknown && !rooted;
    let nvidia =
        choice == Gpu::Nvidia || (auto && (has(Backend::Cuda) || has(Backend::Vulkan) || maybe));
    let amd = choice == Gpu::Amd || (auto && (has(Backend::Hip) || has(Backend::Vulkan) || maybe));
    let mut grants = Grants::default();
    if nvidia {
        let own: Vec<_> = dev.iter().filter(|name| is_nvidia(name)).collect();
        // Without the control device there is no driver.
        if dev.contains("nvidiactl") {
            let add = own.into_iter().map(|name| Path::new("/dev").join(name));
            grants.devices.extend(add);
            grants.reads.extend(NVIDIA_READS.iter().map(PathBuf::from));
            grants.vendors.push("NVIDIA");
        }
        if dev.contains("dxg") {
            grants.devices.push("/dev/dxg".into());
            grants.libraries.push("/usr/lib/wsl/lib".into());
            grants.libraries.push("/usr/lib/wsl/drivers".into());
            grants.vendors.push("WSL");
        }
    }
    if amd && dev.contains("kfd") {
        grants.devices.push("/dev/kfd".into());
        grants.reads.extend(AMD_READS.iter().map(PathBuf::from));
        grants.libraries.push("/opt/rocm".into());
        grants.vendors.push("AMD");
    }
    if auto && dev.contains(METAL) && (has(Backend::Metal) || unknown) {
        grants.metal = true;
        grants.vendors.push("Apple");
        return grants;
    }
    let vulkan_only = auto && has(Backend::Vulkan);
    if !grants.is_empty() || vulkan_only {
        let render = dev.iter().filter(|name| numbered(name, "dri/renderD"));
        grants.devices.extend(render.map(|name| Path::new("/dev").join(name)));
    }
    if !grants.is_empty() {
        if grants.vendors.is_empty() {
            grants.vendors.push("Vulkan");
        }
        grants.reads.extend(READS.iter().map(PathBuf::from));
        grants.libraries.push("/run/opengl-driver/lib".into());
    }
    grants.devices.sort();
    grants.devices.dedup();
    grants
}

const NVIDIA_READS: &[&str] = &["/proc/driver/nvidia", "/proc/driver/nvidia-uvm"];

const AMD_READS: &[&str] = &["/sys/class/kfd", "/sys/devices/virtual/kfd", "/sys/module/amdgpu"];

/// For each of them: what there is of cards, processors and memory; where Vulkan finds drivers.
const READS: &[&str] = &[
    "/sys/class/drm",
    "/sys/bus/pci/devices",
    "/sys/devices/pci0000:00",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/usr/share/vulkan",
    "/etc/vulkan",
];

/// What CUDA opens. Not `nvidia-modeset`, which controls displays.
fn is_nvidia(name: &str) -> bool {
    ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"].contains(&name)
        || numbered(name, "nvidia")
        || numbered(name, "nvidia-caps/nvidia-cap")
}

/// `stem` and digits, and nothing else.
fn numbered(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
#[path = "gpu_test.rs"]
mod tests;
