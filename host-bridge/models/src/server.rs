//! The program that serves models: where it is and what it needs around it.
//!
//! ```text
//! 1. said: --server-bin, `server` in models.toml
//! 2. $QVM_LLAMA_SERVER
//! 3. CACHE/llama-server/current, a private root
//! 4. PATH, then /opt/homebrew/bin, /usr/local/bin, /run/current-system/sw/bin
//! ```
//!
//! A program that lies in a folder which a guest may write is never run.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::elf::{self, Program};
use crate::programs::{self, outside, program};

/// Oldest servers that speak the Anthropic API.
pub const OLDEST: &str = "llama-server of December 2025 (b7200), llamafile 0.10.0";

/// Its name.
const NAME: &str = "llama-server";

/// Looked through after PATH.
const FOLDERS: &[&str] = &["/opt/homebrew/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/// Where libraries of installed programs are.
const LIBRARIES: &[&str] = &["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"];

/// Most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 20_000;

/// Why there is no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Not where it was said to be.
    #[error("{path}: {why}; {from} names the program that serves models", path = .path.display())]
    Said {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// Who named it.
        from: &'static str,
    },
    /// In a folder that a guest can write.
    #[error("{} lies in a folder that is shared with a guest, and is not run", .0.display())]
    Shared(PathBuf),
    /// Nowhere.
    #[error("no llama-server found; install llama.cpp, or name the program with --server-bin")]
    Absent,
}

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// llama.cpp's server.
    LlamaServer,
    /// A llamafile: server, and perhaps weights, in one file that runs everywhere.
    Llamafile,
}

/// What a sandbox has to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// A root of its own: `root/usr` becomes `/usr`, `/lib` and `/lib64` are links into it, and the
    /// program is [`Layout::ROOTED`].
    Rooted {
        /// Real path.
        root: PathBuf,
    },
    /// A program of this system, at the same paths.
    Installed {
        /// Folders with libraries and back ends that exist here; read and mapped executable.
        libraries: Vec<PathBuf>,
        /// What loads it (`PT_INTERP`); `None` for one without, or no ELF at all.
        loader: Option<PathBuf>,
        /// Single files to be read.
        files: Vec<PathBuf>,
    },
}

impl Layout {
    /// Path of the program inside a root of its own.
    pub const ROOTED: &'static str = "/usr/bin/llama-server";
}

/// A back end that uses a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// NVIDIA.
    Cuda,
    /// AMD.
    Hip,
    /// Any vendor.
    Vulkan,
    /// Apple.
    Metal,
}

/// A program that serves models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Real path on the host.
    pub program: PathBuf,
    /// Which one.
    pub kind: Kind,
    /// What it needs around it.
    pub layout: Layout,
    /// Back ends found beside it. Empty where they are built in and cannot be seen.
    pub backends: Vec<Backend>,
}

/// Where to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search<'a> {
    /// `--server-bin`.
    pub option: Option<&'a Path>,
    /// `server` of models.toml, `~/` resolved.
    pub config: Option<&'a Path>,
    /// `$QVM_LLAMA_SERVER`.
    pub variable: Option<&'a OsStr>,
    /// `$PATH`.
    pub path: Option<&'a OsStr>,
    /// qvm's cache.
    pub cache: Option<&'a Path>,
    /// Folders shared with guests, by their real paths.
    pub shared: &'a [PathBuf],
}

impl Server {
    /// Looks for it.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn find(search: &Search<'_>) -> Result<Self, ServerError> {
        let variable = search.variable.filter(|v| !v.is_empty()).map(Path::new);
        for (path, from) in [
            (search.option, "--server-bin"),
            (search.config, "`server` in models.toml"),
            (variable, "$QVM_LLAMA_SERVER"),
        ] {
            if let Some(path) = path {
                return Self::said(path, from, search.shared);
            }
        }
        if let Some(server) = search.cache.and_then(|cache| Self::private(cache, search.shared)) {
            return Ok(server);
        }
        let in_path = programs::search(NAME, search.path.unwrap_or_default(), search.shared);
        let fixed = env::join_paths(FOLDERS).unwrap_or_default();
        in_path
            .or_else(|| programs::search(NAME, &fixed, search.shared))
            .map(Self::at)
            .ok_or(ServerError::Absent)
    }

    /// The program at `path`, which must be there.
    fn said(path: &Path, from: &'static str, shared: &[PathBuf]) -> Result<Self, ServerError> {
        let wrong = |why| ServerError::Said { path: path.into(), why, from };
        let real = program(path).map_err(wrong)?;
        // Nothing in the sandbox would run it.
        if elf::is_script(&real) {
            return Err(wrong("that is a script, not the program itself"));
        }
        match outside(&real, shared) {
            true => Ok(Self::at(real)),
            false => Err(ServerError::Shared(real)),
        }
    }

    /// The private root of the cache.
    fn private(cache: &Path, shared: &[PathBuf]) -> Option<Self> {
        let root = cache.join(NAME).join("current").canonicalize().ok()?;
        let program = program(&root.join(&Layout::ROOTED[1..])).ok()?;
        if !outside(&program, shared) || !program.starts_with(&root) {
            return None;
        }
        let folders = folders_in(&root.join("usr/lib"));
        let backends = backends(&folders);
        Some(Self { program, kind: Kind::LlamaServer, layout: Layout::Rooted { root }, backends })
    }

    /// What an installed program needs.
    fn at(program: PathBuf) -> Self {
        let Program { kind, loader } = elf::look(&program);
        let own = program.parent().map(Path::to_path_buf);
        let beside = own.as_deref().and_then(|own| own.join("../lib").canonicalize().ok());
        let mut libraries: Vec<PathBuf> = LIBRARIES.iter().map(PathBuf::from).collect();
        if program.starts_with("/nix/store") {
            libraries.push("/nix/store".into());
        }
        if program.starts_with("/opt/homebrew") {
            libraries.push("/opt/homebrew".into());
        }
        // Not a folder of other programs, not the libraries of a whole home.
        let own = own.filter(|dir| has_libraries(std::slice::from_ref(dir)));
        let beside = beside.filter(|dir| has_libraries(&folders_in(dir)));
        libraries.extend(beside.iter().cloned());
        libraries.extend(own.iter().cloned());
        libraries.retain(|dir| dir.is_dir());
        drop_inner(&mut libraries);
        let mut places: Vec<PathBuf> = own.into_iter().collect();
        for lib in beside.iter().map(PathBuf::as_path).chain([Path::new("/usr/lib")]) {
            places.push(lib.into());
            places.extend(folders_in(lib));
        }
        let files = ["/etc/ld.so.cache"].map(PathBuf::from);
        Self {
            program,
            kind,
            backends: backends(&places),
            layout: Layout::Installed {
                libraries,
                loader,
                files: files.into_iter().filter(|file| file.is_file()).collect(),
            },
        }
    }
}

/// What to say when the server at `program` does not answer `/v1/messages`.
#[must_use]
pub fn too_old(program: &Path) -> String {
    format!(
        "{} does not speak the Anthropic API (/v1/messages); needed: {OLDEST}",
        program.display()
    )
}

/// Drops folders that lie in another of the list, and repetitions.
fn drop_inner(folders: &mut Vec<PathBuf>) {
    let all = folders.clone();
    let mut at = 0;
    folders.retain(|dir| {
        let first = all[..at].iter().any(|other| other == dir);
        at += 1;
        !first && !all.iter().any(|other| other != dir && dir.starts_with(other))
    });
}

/// The folders where back ends may be below `lib`: itself and three levels of the names that
/// distributions use.
fn folders_in(lib: &Path) -> Vec<PathBuf> {
    let mut found = vec![lib.to_path_buf()];
    for triplet in ["x86_64-linux-gnu", "aarch64-linux-gnu", "."] {
        for name in [".", "ggml", "ggml/backends0", "llama.cpp", "llama"] {
            let dir = lib.join(triplet).join(name);
            if dir.is_dir() && !found.contains(&dir) {
                found.push(dir);
            }
        }
    }
    found
}

/// Whether one of the folders has libraries of llama.cpp.
fn has_libraries(folders: &[PathBuf]) -> bool {
    let ours = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libggml") || name.starts_with("libllama")
    };
    let entries = folders.iter().filter_map(|dir| dir.read_dir().ok());
    entries.flat_map(|entries| entries.take(MOST_ENTRIES).flatten()).any(ours)
}

/// GPU back ends in these folders, each once.
fn backends(folders: &[PathBuf]) -> Vec<Backend> {
    let known = [
        (Backend::Cuda, "libggml-cuda"),
        (Backend::Hip, "libggml-hip"),
        (Backend::Vulkan, "libggml-vulkan"),
        (Backend::Metal, "libggml-metal"),
    ];
    let there = |stem: &str| {
        folders.iter().any(|dir| {
            ["so", "so.0", "dylib", "0.dylib"]
                .iter()
                .any(|end| dir.join(format!("{stem}.{end}")).is_file())
        })
    };
    known.into_iter().filter(|(_, stem)| there(stem)).map(|(backend, _)| backend).collect()
}

#[cfg(test)]
#[path = "server_test.rs"]
mod tests;
