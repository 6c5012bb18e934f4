//! Kernel modules: the image's list for booting, and single ones by name later.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::system::{finit_module, init_module, uname};

use crate::log;

/// Where the initramfs has the modules needed to boot, and the list of them in load order.
const FOLDER: &str = "/modules";

/// Name of the list in [`FOLDER`].
const LIST: &str = "load";

/// Modules of the list that no command waits for; [`load_later`] loads them.
const LATER: [&str; 2] = ["virtio_rng", "virtio_balloon"];

/// `MODULE_INIT_COMPRESSED_FILE`: the kernel decompresses.
const COMPRESSED: i32 = 4;

/// What ends a signed module.
const SIGNED: &[u8] = b"~Module signature appended~\n";

/// Bytes between a signature and [`SIGNED`]: `struct module_signature`, of which the last four
/// are the length of the signature, big-endian.
const SIGNATURE_INFO: usize = 12;

/// Modules that are not loaded yet.
#[derive(Debug)]
pub struct Later(Vec<(String, Vec<u8>)>);

/// Loads the image's list, calling `loaded` after each module with its file name; those that can
/// wait are returned instead. A module that is missing or built in is none the worse; without some
/// other one, mounting the root or dialing the host fails and says so.
pub fn load_list(mut loaded: impl FnMut(&str)) -> Later {
    let mut later = Vec::new();
    let text = match fs::read_to_string(Path::new(FOLDER).join(LIST)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Later(later),
        Err(error) => {
            log::warn(format_args!("cannot read the list of modules: {error}"));
            return Later(later);
        }
    };
    for name in parse_list(&text) {
        // The files go before the root is there, so what can wait is kept in memory till then.
        let Ok(module) = fs::read(Path::new(FOLDER).join(name)) else {
            continue;
        };
        if LATER.iter().any(|late| same_module(name, late)) {
            later.push((name.into(), module));
        } else {
            report(name, load_image(&module));
            loaded(name);
        }
    }
    Later(later)
}

/// Loads the rest.
pub fn load_later(later: Later) {
    for (name, module) in later.0 {
        report(&name, load_image(&module));
    }
}

/// Loads a module from memory without its signature, which the kernel would spend most of the
/// boot on checking, and which proves nothing here: whoever could change the module could change
/// this program too. A kernel that insists on signatures gets the whole file.
fn load_image(module: &[u8]) -> rustix::io::Result<()> {
    match init_module(unsigned(module), c"") {
        Err(Errno::KEYREJECTED | Errno::NOKEY | Errno::PERM) => init_module(module, c""),
        result => result,
    }
}

/// `module` without its signature, if it has one.
fn unsigned(module: &[u8]) -> &[u8] {
    let cut = || {
        let rest = module.strip_suffix(SIGNED)?;
        let length = u32::from_be_bytes(*rest.last_chunk()?);
        let end =
            rest.len().checked_sub(SIGNATURE_INFO)?.checked_sub(usize::try_from(length).ok()?)?;
        module.get(..end)
    };
    cut().unwrap_or(module)
}

/// Loads module `name` of the running kernel and those it needs, from the root's `/lib/modules`,
/// unless the kernel has it.
pub fn load_by_name(name: &str) {
    if Path::new("/sys/module").join(name.replace('-', "_")).exists() {
        return;
    }
    let release = uname();
    let folder = Path::new("/lib/modules").join(OsStr::from_bytes(release.release().to_bytes()));
    match fs::read_to_string(folder.join("modules.dep")) {
        Ok(text) => match resolve(&text, name) {
            Some(files) => files.iter().for_each(|file| load(&folder.join(file))),
            None if folder.join("modules.builtin").exists() && is_builtin(&folder, name) => {}
            None => log::warn(format_args!("this kernel has no module {name}")),
        },
        Err(error) => log::warn(format_args!("cannot look for module {name}: {error}")),
    }
}

/// Loads one file.
fn load(path: &Path) {
    let compressed = path.extension().is_some_and(|extension| extension != "ko");
    let result = File::open(path)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .and_then(|file| finit_module(&file, c"", if compressed { COMPRESSED } else { 0 }));
    report(&path.display().to_string(), result);
}

/// Says what failed, unless the module was loaded before.
fn report(name: &str, result: rustix::io::Result<()>) {
    match result {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => log::warn(format_args!("cannot load {name}: {error}")),
    }
}

/// File names, one a line; blank lines and `#` comments are skipped, and so is what is no plain
/// name.
fn parse_list(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains('/'))
}

/// The files to load for module `name`, in load order, according to `modules.dep`. There a line
/// is `file: dependency…`, with the most basic dependency last.
fn resolve<'a>(dependencies: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let (file, needs) = dependencies
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(file, _)| same_module(file, name))?;
    Some(needs.split_whitespace().rev().chain([file]).collect())
}

/// Whether the kernel has module `name` built in.
fn is_builtin(folder: &Path, name: &str) -> bool {
    fs::read_to_string(folder.join("modules.builtin"))
        .is_ok_and(|text| text.lines().any(|file| same_module(file, name)))
}

/// Whether `file` holds module `name`; in names of modules `-` and `_` are the same.
fn same_module(file: &str, name: &str) -> bool {
    let base = file.rsplit('/').next().unwrap_or(file);
    let base = base.split_once(".ko").map_or(base, |(base, _)| base);
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    base.bytes().map(plain).eq(name.bytes().map(plain))
}

#[cfg(test)]
#[path = "modules_test.rs"]
mod tests;
