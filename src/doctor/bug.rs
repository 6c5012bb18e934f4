//! `qvm doctor --report`: what somebody needs to know who is to find a bug from afar, and nothing
//! that is private.
//!
//! Values of variables are not told, nor the host's name; the home directory is `~` and the user's
//! name `(user)`, wherever they stand ([`private`]).

mod private;
mod sys;

use std::{env, path::Path};

use guest_image::{Arch, Cache, Digest, Image};
use rustix::process::{Resource, getrlimit};
use serde::Serialize;

use self::private::Private;
use super::{
    checks::{self, Looked},
    report::Level,
};
use crate::{
    accel::{hvf_trouble, kvm_trouble, qemu_trouble},
    error::plain,
    policy::{host::Host, units::show_bytes},
};

/// Longest value, in characters.
const LONGEST: usize = 400;
/// Most files that are counted in the cache.
const MOST_FILES: usize = 100_000;

/// Some facts of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What they are of.
    pub title: &'static str,
    /// Each with its name.
    pub facts: Vec<(String, String)>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bug {
    /// In the order in which they are shown.
    pub sections: Vec<Section>,
}

impl Bug {
    /// Looks at everything, as [`checks::all`] does.
    pub fn gather(host: &Host, try_model: bool) -> Self {
        let looked = checks::all(host, try_model);
        let private = Private::of(host);
        let sections = vec![
            ("qvm", qvm()),
            ("system", system(host)),
            ("virtualization", virtualization(&looked)),
            ("confinement", confinement()),
            ("cache", cache()),
            ("limits", limits()),
            ("surroundings", surroundings(host)),
            ("checks", checks(&looked)),
        ];
        Self::new(sections, &private)
    }

    fn new(sections: Vec<(&'static str, Facts)>, private: &Private) -> Self {
        let clean = |text: &str| private.hide(text).chars().take(LONGEST).collect::<String>();
        let sections = sections.into_iter().map(|(title, facts)| Section {
            title,
            facts: facts.into_iter().map(|(name, value)| (clean(&name), clean(&value))).collect(),
        });
        Self { sections: sections.collect() }
    }

    /// For people, and for an issue.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            text.push_str(&format!("[{}]\n", section.title));
            for (name, value) in &section.facts {
                text.push_str(&format!("{}: {}\n", plain(name), plain(value)));
            }
            text.push('\n');
        }
        text
    }
}

type Facts = Vec<(String, String)>;

fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.into(), value.into())
}

/// The program.
fn qvm() -> Facts {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let shim = if cfg!(feature = "hvf-shim") { ", hvf-shim (a build for tests)" } else { "" };
    vec![
        fact("version", env!("CARGO_PKG_VERSION")),
        fact("commit", option_env!("QVM_COMMIT").unwrap_or("unknown")),
        fact("target", format!("{}-{}", env::consts::ARCH, env::consts::OS)),
        fact("build", format!("{build}{shim}")),
        fact("protocol", agent_protocol::VERSION.to_string()),
    ]
}

/// The machine and its operating system.
fn system(host: &Host) -> Facts {
    let uname = rustix::system::uname();
    let told = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let mut facts = vec![
        fact("kernel", format!("{} {}", told(uname.sysname()), told(uname.release()))),
        fact("machine", told(uname.machine())),
    ];
    facts.extend(sys::system().into_iter().map(|(name, value)| fact(name, value)));
    facts.push(fact("cpus", host.limits.cpus.to_string()));
    facts.push(fact("memory", show_bytes(host.limits.memory)));
    facts.push(fact("page size", show_bytes(rustix::param::page_size() as u64)));
    facts
}

/// What runs machines.
fn virtualization(looked: &Looked) -> Facts {
    let facts = &looked.facts;
    let usable = |trouble: Option<String>| trouble.unwrap_or_else(|| "usable".into());
    let mut told = vec![
        fact("kvm", usable(kvm_trouble(facts).map(|trouble| trouble.full()))),
        fact("hvf", usable(hvf_trouble(&facts.hvf).map(|trouble| trouble.full()))),
        fact("tcg", usable(qemu_trouble(Arch::HOST, &facts.qemu))),
        fact("facts", format!("{:?} {:?} {:?} pvm={}", facts.kvm, facts.cpu, facts.hvf, facts.pvm)),
        fact("emulator", format!("{:?}", facts.qemu)),
    ];
    match &looked.decision {
        Ok(decision) => {
            told.push(fact("auto", format!("{}: {}", decision.accel.name(), decision.reason)));
            told.extend(decision.warning.iter().map(|warning| fact("warning", warning)));
        }
        Err(error) => told.push(fact("auto", error.to_string())),
    }
    told
}

/// What processes can be confined with: a line a layer.
fn confinement() -> Facts {
    if let Some(own) = confine::seatbelt::support() {
        let program = Path::new(confine::seatbelt::PROGRAM);
        return vec![
            fact("seatbelt", if program.is_file() { "can be used" } else { "missing" }),
            fact("seatbelt of this process", own.to_string()),
        ];
    }
    let text = confine::probe().to_string();
    let line = |line: &str| match line.split_once("  ") {
        Some((name, state)) => fact(name.trim(), state.trim()),
        None => fact("layer", line),
    };
    text.lines().map(line).collect()
}

/// Images, layers, kernels, and what the cache occupies.
fn cache() -> Facts {
    let cache = match Cache::open() {
        Ok(cache) => cache,
        Err(error) => return vec![fact("error", crate::error::line(&error))],
    };
    let mut facts = vec![
        fact("path", cache.root().display().to_string()),
        fact("size", size_of_files(cache.root())),
    ];
    let free = checks::free(cache.root()).map_or_else(|| "unknown".into(), show_bytes);
    facts.push(fact("free", free));
    for (name, listed) in
        [("image", cache.list()), ("layer", cache.layers()), ("kernel", cache.kernels())]
    {
        match listed {
            Ok(listed) => facts.extend(
                listed.iter().map(|(digest, image)| fact(name, listing(digest, image.as_ref()))),
            ),
            Err(error) => facts.push(fact(name, crate::error::line(&error))),
        }
    }
    facts
}

/// One of them in a line.
fn listing(digest: &Digest, image: Result<&Image, &guest_image::CacheError>) -> String {
    match image {
        Ok(image) => {
            let manifest = &image.manifest;
            let size = manifest.files.values().map(|file| file.size).sum();
            let kernel = match manifest.kernel.as_str() {
                "" => String::new(),
                version => format!(", kernel {version}"),
            };
            format!(
                "{digest}, {}{kernel}, {} packages, {}",
                manifest.arch,
                manifest.packages.len(),
                show_bytes(size)
            )
        }
        Err(error) => format!("{digest}: {}", crate::error::line(error)),
    }
}

/// What the files below a folder occupy. Links are not followed.
fn size_of_files(folder: &Path) -> String {
    let (mut bytes, mut files) = (0_u64, 0_usize);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            files += 1;
            if files > MOST_FILES {
                return format!("more than {}", show_bytes(bytes));
            }
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes = bytes.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    format!("{} in {files} files", show_bytes(bytes))
}

/// Limits of this process, which those that it starts have too.
fn limits() -> Facts {
    let all = [
        ("open files", Resource::Nofile),
        ("processes", Resource::Nproc),
        ("locked memory", Resource::Memlock),
        ("address space", Resource::As),
        ("file size", Resource::Fsize),
        ("stack", Resource::Stack),
    ];
    let shown = |limit: Option<u64>| limit.map_or_else(|| "none".into(), |n| n.to_string());
    let line = |(name, resource)| {
        let limit = getrlimit(resource);
        fact(name, format!("{} of {}", shown(limit.current), shown(limit.maximum)))
    };
    all.into_iter().map(line).collect()
}

/// The caller and the terminal. Of variables only which there are.
fn surroundings(host: &Host) -> Facts {
    use std::io::IsTerminal;
    let is = |terminal: bool| if terminal { "a terminal" } else { "no terminal" };
    let names = host.env.iter().map(|(name, _)| name.to_string_lossy());
    let ours: Vec<_> = names.filter(|name| name.starts_with("QVM_")).collect();
    let ours = if ours.is_empty() { "none".into() } else { ours.join(" ") };
    let root = if host.account.uid == 0 { "root" } else { "an ordinary user" };
    vec![
        fact("user", format!("{root}, uid {}, gid {}", host.account.uid, host.account.gid)),
        fact("stdin", is(std::io::stdin().is_terminal())),
        fact("stdout", is(std::io::stdout().is_terminal())),
        fact("QVM variables", ours),
    ]
}

/// What `qvm doctor` says.
fn checks(looked: &Looked) -> Facts {
    let line = |finding: &super::report::Finding| {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        let advice = finding.advice.as_ref().map(|advice| format!("; {advice}"));
        fact(finding.check, format!("{level}: {}{}", finding.fact, advice.unwrap_or_default()))
    };
    looked.report.findings.iter().map(line).collect()
}

#[cfg(test)]
#[path = "bug_test.rs"]
mod tests;
