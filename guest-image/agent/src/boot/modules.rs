//! Kernel modules: the image's list for booting, and single ones by name later.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::system::{finit_module, uname};

use crate::log;

/// Where the initramfs has the modules needed to boot, and the list of them in load order.
const FOLDER: &str = "/modules";

/// Name of the list in [`FOLDER`].
const LIST: &str = "load";

/// `MODULE_INIT_COMPRESSED_FILE`: the kernel decompresses.
const COMPRESSED: i32 = 4;

/// Loads the image's list, calling `loaded` after each module with its file name. A module that
/// is missing or built in is none the worse; without some other one, mounting the root or
/// dialing the host fails and says so.
pub fn load_list(mut loaded: impl FnMut(&str)) {
    let text = match fs::read_to_string(Path::new(FOLDER).join(LIST)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return log::warn(format_args!("cannot read the list of modules: {error}")),
    };
    for name in parse_list(&text) {
        load(&Path::new(FOLDER).join(name));
        loaded(name);
    }
}

/// Loads module `name` of the running kernel and those it needs, from the root's `/lib/modules`.
pub fn load_by_name(name: &str) {
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
        .and_then(|file| Ok(finit_module(&file, c"", if compressed { COMPRESSED } else { 0 })?));
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {}
        Err(error) => log::warn(format_args!("cannot load {}: {error}", path.display())),
    }
}

/// File names, one a line; blank lines and `#` comments are skipped, and so is what is no plain
/// name.
fn parse_list(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains('/'))
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
