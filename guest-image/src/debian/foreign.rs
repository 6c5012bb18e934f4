//! Runs the programs of another machine while its root is made: by QEMU's user emulation, which
//! the kernel starts for them (Linux, Documentation/admin-guide/binfmt-misc.rst).
//!
//! ```text
//!   registered with this host? ── yes ─────────────────────────────▶ used
//!          │ no
//!          ▼
//!   a user namespace of the build, where mmdebstrap's first hook mounts binfmt_misc
//!   and registers qemu-ARCH-static (Linux 6.7): the host never learns of it
//! ```
//!
//! In both cases the kernel has the emulator open already (flag `F`), so the root needs none.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::tools::find;
use crate::Arch;

/// Where formats are registered.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// Hook before anything is in the root: the directories that mmdebstrap mounts file systems on.
const FOLDERS: &str = "mkdir -p \"$1/proc\" \"$1/sys\" \"$1/dev\"";
/// The same, and the registration, which is in the environment.
const REGISTER: &str = "set -e; mkdir -p \"$1/proc\" \"$1/sys\" \"$1/dev\"; \
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; \
    printf %s \"$QVM_BINFMT\" >/proc/sys/fs/binfmt_misc/register";

/// What waits in its new user namespace until [`enter`] has said who is who there.
const WAIT: &str = "echo; read -r _ && exec \"$@\" </dev/null >/dev/null";

/// All users of this machine, by their own numbers.
const EVERYBODY: &[u8] = b"0 0 4294967295\n";

/// Programs of another machine cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// No emulator.
    #[error(
        "an image for {arch} needs {} of the package qemu-user-static: run `{sudo}apt-get install qemu-user-static`, \
         or build it on an {arch} machine and take it with `qvm image export` and `qvm image import --arch {arch}`",
        emulator(*arch)
    )]
    Emulator {
        /// The other machine.
        arch: Arch,
        /// `sudo ` for those who are not root.
        sudo: &'static str,
    },
    /// A kernel before Linux 6.7, or no user namespaces.
    #[error(
        "an image for {arch} needs its programs to run here, which this kernel cannot arrange for the build alone (Linux 6.7 \
         can): run `{sudo}apt-get install qemu-user-static binfmt-support`, which arranges it for all"
    )]
    Kernel {
        /// The other machine.
        arch: Arch,
        /// `sudo ` for those who are not root.
        sudo: &'static str,
    },
}

/// How they are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// This host runs them.
    Registered,
    /// This program is registered for the build alone.
    Own(PathBuf),
}

impl Foreign {
    /// Finds a way.
    ///
    /// # Errors
    /// See [`ForeignError`].
    pub fn find(arch: Arch, path: &str) -> Result<Self, ForeignError> {
        let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
        if registered(Path::new(BINFMT), arch) {
            return Ok(Self::Registered);
        }
        let program = find(&emulator(arch), path).ok_or(ForeignError::Emulator { arch, sudo })?;
        if can_register() {
            Ok(Self::Own(program))
        } else {
            Err(ForeignError::Kernel { arch, sudo })
        }
    }

    /// The hook for mmdebstrap.
    pub fn hook(&self) -> &'static str {
        match self {
            Self::Registered => FOLDERS,
            Self::Own(_) => REGISTER,
        }
    }

    /// Variables that the hook and the emulator read.
    pub fn variables(&self, arch: Arch) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if let Self::Own(program) = self {
            variables.push(("QVM_BINFMT", registration(arch, program)));
        }
        if arch == Arch::Aarch64 {
            // Without signed pointers, whose hash takes an emulator two thirds of its time.
            variables.push(("QEMU_CPU", "cortex-a72".to_owned()));
        }
        variables
    }

    /// Whether the build is to have a user namespace of its own, which [`enter`] completes. Who
    /// is not root gets one from mmdebstrap.
    pub fn wants_namespace(&self) -> bool {
        *self != Self::Registered && rustix::process::geteuid().is_root()
    }
}

/// Starts what is then appended as words in a user namespace: see [`enter`].
pub fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--mount", "--propagation", "private", "--"]);
    command.args(["sh", "-c", WAIT, "sh"]);
    command
}

/// Lets go what [`namespace`] started, with its standard input and output piped: makes everybody
/// there who he is here, which only root can. unshare(1) by itself maps one user, or those of
/// /etc/subuid.
///
/// # Errors
/// What the system says; the child then ends by itself.
pub fn enter(child: &mut Child) -> io::Result<()> {
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut input), Some(mut output)) = (input, output) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    output.read_exact(&mut [0])?;
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{map}", child.id()), EVERYBODY)?;
    }
    input.write_all(b"\n")
}

/// The emulator's name.
fn emulator(arch: Arch) -> String {
    format!("qemu-{arch}-static")
}

/// Whether the host starts an emulator for them, wherever they are.
fn registered(formats: &Path, arch: Arch) -> bool {
    let entries = fs::read_dir(formats).into_iter().flatten().flatten();
    entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).any(|text| runs(&text, arch))
}

/// Whether this is what the kernel says of a format that is on, of this machine, and open already.
fn runs(text: &str, arch: Arch) -> bool {
    let value = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let program = value("interpreter ").and_then(|path| path.rsplit('/').next());
    text.starts_with("enabled\n")
        && program.is_some_and(|name| name.starts_with(&format!("qemu-{arch}")))
        && value("flags: ").is_some_and(|flags| flags.contains('F'))
}

/// Whether formats can be registered for a user namespace alone.
fn can_register() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--"])
        .args(["mount", "-t", "binfmt_misc", "none", BINFMT])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// The line that registers an emulator: any ELF file of 64 bits for Linux, whether it is linked
/// to a fixed address or not.
fn registration(arch: Arch, program: &Path) -> String {
    let machine = match arch {
        Arch::X86_64 => 0x3e,
        Arch::Aarch64 => 0xb7,
    };
    let magic = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0];
    let mut mask = [0xff; 20];
    // The system's number may be that of Linux, and the kind one more.
    (mask[7], mask[16]) = (0, 0xfe);
    let escaped = |bytes: [u8; 20]| bytes.map(|byte| format!("\\x{byte:02x}")).concat();
    format!(":qvm-{arch}:M::{}:{}:{}:F", escaped(magic), escaped(mask), program.display())
}

#[cfg(test)]
#[path = "foreign_test.rs"]
mod tests;
