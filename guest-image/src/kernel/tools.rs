//! The programs that a kernel's build calls, and what to install where they are missing.

use std::env;
use std::path::Path;

use crate::Arch;
use crate::debian::on_path;

/// Programs and the Debian packages that bring them.
const NEEDED: [(&str, &str); 11] = [
    ("gcc", "gcc"),
    ("ld", "binutils"),
    ("strip", "binutils"),
    ("make", "make"),
    ("patch", "patch"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
    ("xz", "xz-utils"),
    ("tar", "tar"),
    ("gzip", "gzip"),
];
/// The kernel's own tool that looks at object files is compiled with this header, on x86.
const LIBELF: (&str, &str) = ("/usr/include/libelf.h", "libelf-dev");
/// The C library's headers, for the programs of the build itself.
const LIBC: (&str, &str) = ("/usr/include/stdio.h", "libc6-dev");
/// More of them where the source is a package of Debian.
const KEYRING: (&str, &str) = (crate::debian::KEYRING, "debian-archive-keyring");

/// Something is missing to make a kernel.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// Packages are to be installed.
    #[error(
        "making the kernel needs {packages}: run `{sudo}apt-get install --no-install-recommends {packages}`"
    )]
    Packages {
        /// Their names, parted by spaces.
        packages: String,
        /// `sudo ` for those who are not root.
        sudo: &'static str,
    },
    /// Not Debian, nor made of it.
    #[error(
        "this system has no apt to fetch the kernel's source with: give an archive of Linux 6.12 with `--source FILE`"
    )]
    NotDebian,
    /// Compilers of other systems make no Linux.
    #[error(
        "the kernel is compiled on Linux: run `qvm image kernel` on a Linux machine of {} and give its vmlinux with \
         `--kernel PATH`",
        Arch::HOST
    )]
    NotLinux,
}

/// Makes sure that everything is there. `fetches`: the source is a package of Debian.
pub fn check(fetches: bool) -> Result<(), ToolsError> {
    if !cfg!(target_os = "linux") {
        return Err(ToolsError::NotLinux);
    }
    let path = env::var("PATH").unwrap_or_default();
    let has = |program: &str| on_path(program, &path);
    if fetches && !(has("apt-get") && has("dpkg-deb")) {
        return Err(ToolsError::NotDebian);
    }
    // Other systems keep headers elsewhere; the compiler will say what it lacks.
    let debian = has("dpkg-deb");
    let there = |file: &str| !debian || Path::new(file).exists();
    let missing = missing(has, there, fetches);
    if missing.is_empty() {
        return Ok(());
    }
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    Err(ToolsError::Packages { packages: missing.join(" "), sudo })
}

fn missing(
    has: impl Fn(&str) -> bool,
    there: impl Fn(&str) -> bool,
    fetches: bool,
) -> Vec<&'static str> {
    let mut packages: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| !has(program)).map(|&(_, package)| package).collect();
    packages.dedup();
    let x86 = cfg!(target_arch = "x86_64");
    for ((file, package), wanted) in [(LIBC, true), (LIBELF, x86), (KEYRING, fetches)] {
        if wanted && !there(file) {
            packages.push(package);
        }
    }
    packages
}

#[cfg(test)]
#[path = "tools_test.rs"]
mod tests;
