//! What policy knows of the host, gathered once so that everything after is a function of it.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::{
    places::Places,
    sys::{self, Account, Limits},
};
use crate::spec::Caller;

/// The host.
#[derive(Debug)]
pub struct Host {
    /// Where qvm was started.
    pub cwd: PathBuf,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Who started it.
    pub account: Account,
    /// Its directories.
    pub dirs: Dirs,
    /// What it may not share.
    pub places: Places,
    /// What it has to give.
    pub limits: Limits,
}

/// qvm's own directories, after the XDG base directory specification. None need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Home directory: `$HOME`, else of the user database.
    pub home: PathBuf,
    /// `config.toml` lies here.
    pub config: PathBuf,
    /// Images lie here.
    pub cache: PathBuf,
    /// What outlives a run.
    pub state: PathBuf,
    /// What does not, such as the sockets of running machines; `None` without `XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
}

/// The current directory is gone.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell the current directory; change to one that exists")]
pub struct NoCwd(#[source] io::Error);

impl Host {
    /// Gathers.
    ///
    /// # Errors
    /// [`NoCwd`].
    pub fn gather() -> Result<Self, NoCwd> {
        let account = sys::account();
        let vars: Vec<_> = env::vars_os().collect();
        let dirs = Dirs::new(&vars, account.home.as_deref());
        let homes: Vec<_> = account.home.iter().cloned().chain([dirs.home.clone()]).collect();
        let own: Vec<_> = dirs.all().cloned().chain(crate::sys::own_folder()).collect();
        Ok(Self {
            cwd: env::current_dir().map_err(NoCwd)?,
            env: vars,
            places: Places::new(&homes, &own),
            account,
            dirs,
            limits: sys::limits(),
        })
    }

    /// Who called, as the guest gets to know them.
    pub fn caller(&self) -> Caller {
        let Account { name, group, uid, gid, home } = self.account.clone();
        Caller {
            name,
            group,
            uid,
            gid,
            home: home.filter(|h| h.is_absolute()).unwrap_or_else(|| self.dirs.home.clone()),
        }
    }

    /// A variable of the host.
    pub fn var(&self, name: &str) -> Option<&OsString> {
        self.env.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

impl Dirs {
    /// From the environment and the home directory of the user database. Relative values are
    /// ignored, as the specification asks.
    pub fn new(env: &[(OsString, OsString)], account_home: Option<&Path>) -> Self {
        let absolute = |name: &str| {
            let value = env.iter().find(|(n, _)| n == name).map(|(_, value)| PathBuf::from(value));
            value.filter(|path| path.is_absolute())
        };
        let home = absolute("HOME")
            .or_else(|| account_home.map(Path::to_path_buf))
            .unwrap_or_else(|| "/".into());
        let base = |name: &str, usual: &str| {
            absolute(name).unwrap_or_else(|| home.join(usual)).join("qvm")
        };
        Self {
            config: base("XDG_CONFIG_HOME", ".config"),
            // The same rule as `guest_image::Cache::open`.
            cache: absolute("QVM_CACHE").unwrap_or_else(|| base("XDG_CACHE_HOME", ".cache")),
            state: base("XDG_STATE_HOME", ".local/state"),
            runtime: absolute("XDG_RUNTIME_DIR").map(|dir| dir.join("qvm")),
            home,
        }
    }

    /// All of qvm's own.
    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.config, &self.cache, &self.state].into_iter().chain(&self.runtime)
    }
}

#[cfg(test)]
#[path = "host_test.rs"]
mod tests;
