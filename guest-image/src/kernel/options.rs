//! Kernel configurations as text: what was asked for, what came of it, and what a guest needs.

use std::collections::BTreeMap;

/// Options that the agent and qvm's machines cannot do without, built in, on every architecture.
const NEEDED: [&str; 20] = [
    "BINFMT_ELF",
    "BLK_DEV_INITRD",
    "CGROUPS",
    "DEVTMPFS",
    "EPOLL",
    "EROFS_FS",
    "EROFS_FS_XATTR",
    "EROFS_FS_ZIP",
    "INET",
    "MULTIUSER",
    "OVERLAY_FS",
    "PROC_FS",
    "SYSFS",
    "TMPFS_XATTR",
    "UNIX98_PTYS",
    "VIRTIO_BLK",
    "VIRTIO_FS",
    "VIRTIO_MMIO",
    "VIRTIO_VSOCKETS",
    "VSOCKETS",
];

/// More of them on x86_64, whose machines are described by ACPI and entered by the PVH note.
const NEEDED_X86_64: [&str; 2] = ["ACPI", "PVH"];

/// The lines of a configuration by option, without `CONFIG_`. Text keeps its quotes; what is not
/// set is `n`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Reads `.config`, or a fragment of one. Of two lines about an option the last one holds;
    /// what is neither a value nor the comment that means "no" is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let line = line.trim_end();
            let (name, value) = match line.strip_prefix("# CONFIG_") {
                Some(rest) => (rest.strip_suffix(" is not set")?, "n"),
                None => line.strip_prefix("CONFIG_")?.split_once('=')?,
            };
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            (!name.is_empty() && name.bytes().all(plain))
                .then(|| (name.to_owned(), value.to_owned()))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// The value of an option; `n` where nothing is said.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("n", String::as_str)
    }

    /// How many options it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was asked for here and is otherwise in `result`, as lines of a configuration. Kconfig
    /// drops without a word what depends on something else that is off, or does not exist.
    #[must_use]
    pub fn lost(&self, result: &Self) -> Vec<String> {
        let differs = |(name, value): &(&String, &String)| result.get(name) != value.as_str();
        self.0.iter().filter(differs).map(|(name, value)| line(name, value)).collect()
    }

    /// What qvm needs on this machine (as `uname -m` says it) and this kernel has not built in.
    #[must_use]
    pub fn missing(&self, arch: &str) -> Vec<String> {
        let more: &[&str] = if arch == "x86_64" { &NEEDED_X86_64 } else { &[] };
        let absent = |name: &&&str| self.get(name) != "y";
        NEEDED.iter().chain(more).filter(absent).map(|name| line(name, "y")).collect()
    }
}

fn line(name: &str, value: &str) -> String {
    match value {
        "n" => format!("# CONFIG_{name} is not set"),
        _ => format!("CONFIG_{name}={value}"),
    }
}

#[cfg(test)]
#[path = "options_test.rs"]
mod tests;
