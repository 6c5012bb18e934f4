//! Where an agent's program comes from.

/// A place to get an agent from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// Packages of the npm registry with the native program, one for each machine.
    Npm(&'static [Npm]),
    /// Packages of the Python package index, for the guest's Python.
    PyPI {
        /// Version of the agent.
        version: &'static str,
        /// All packages with version and SHA-256, as pip reads it.
        requirements: &'static str,
        /// Module with the program's entry, and the function's name in it.
        entry: (&'static str, &'static str),
    },
    /// No image can have it; the reason. Images of the user's own may.
    Absent(&'static str),
}

/// A package of the npm registry.
#[derive(Debug, Clone, Copy)]
pub struct Npm {
    /// Machine it is for, as `uname -m` says it.
    pub arch: &'static str,
    /// Its name.
    pub package: &'static str,
    /// The version to take.
    pub version: &'static str,
    /// Version of the agent in it.
    pub agent: &'static str,
    /// Digest of the tarball, as the registry tells it: `sha512-` and base64.
    pub integrity: &'static str,
    /// What of it is kept: path in the package, path below the agent's own directory. The first
    /// one is the program.
    pub keep: &'static [(&'static str, &'static str)],
}

impl Source {
    /// The package for a machine.
    #[must_use]
    pub fn npm(&self, arch: &str) -> Option<&'static Npm> {
        match self {
            Self::Npm(packages) => packages.iter().find(|npm| npm.arch == arch),
            Self::PyPI { .. } | Self::Absent(_) => None,
        }
    }

    /// The agent's version for a machine.
    #[must_use]
    pub fn version(&self, arch: &str) -> Option<&'static str> {
        match self {
            Self::Npm(_) => self.npm(arch).map(|npm| npm.agent),
            Self::PyPI { version, .. } => Some(version),
            Self::Absent(_) => None,
        }
    }
}
