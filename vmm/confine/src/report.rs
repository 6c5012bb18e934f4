//! Which layers are in force.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Role;

/// A layer of confinement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerName {
    /// The process ends with its parent.
    ParentDeath,
    /// Inherited descriptors, environment and file mode mask.
    Descriptors,
    /// The user namespace.
    UserNamespace,
    /// The other namespaces.
    Namespaces,
    /// What `/` is.
    Root,
    /// User and groups.
    Identity,
    /// Capabilities, and no way to gain any.
    Capabilities,
    /// Landlock.
    Landlock,
    /// Resource limits.
    Limits,
    /// The system call filter.
    Seccomp,
    /// The profile of macOS.
    Seatbelt,
}

impl LayerName {
    /// The layer's name in print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ParentDeath => "parent death",
            Self::Descriptors => "descriptors",
            Self::UserNamespace => "user namespace",
            Self::Namespaces => "namespaces",
            Self::Root => "root",
            Self::Identity => "identity",
            Self::Capabilities => "capabilities",
            Self::Landlock => "landlock",
            Self::Limits => "limits",
            Self::Seccomp => "seccomp",
            Self::Seatbelt => "seatbelt",
        }
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a layer is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// In force.
    Active {
        /// What it amounts to.
        detail: String,
    },
    /// In force in part.
    Partial {
        /// What it amounts to.
        detail: String,
        /// What is missing, and why.
        missing: String,
    },
    /// Not in force.
    Missing {
        /// Why.
        why: String,
    },
}

impl State {
    pub(crate) fn active(detail: impl Into<String>) -> Self {
        Self::Active { detail: detail.into() }
    }

    pub(crate) fn partial(detail: impl Into<String>, missing: impl Into<String>) -> Self {
        Self::Partial { detail: detail.into(), missing: missing.into() }
    }

    pub(crate) fn missing(why: impl Into<String>) -> Self {
        Self::Missing { why: why.into() }
    }

    /// Whether the layer is in force in full.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// Whether the layer is not in force at all.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active { detail } => f.write_str(detail),
            Self::Partial { detail, missing } => write!(f, "{detail}; missing: {missing}"),
            Self::Missing { why } => write!(f, "missing: {why}"),
        }
    }
}

/// One layer and how far it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Which layer.
    pub name: LayerName,
    /// How far it is in force.
    #[serde(flatten)]
    pub state: State,
}

/// Which layers of a process are in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What the process is.
    pub role: Role,
    /// Its layers, in the order in which they were set up.
    pub layers: Vec<Layer>,
}

impl Report {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, layers: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: LayerName, state: State) {
        self.layers.push(Layer { name, state });
    }

    /// How far `name` is in force; `None` when it was not attempted.
    #[must_use]
    pub fn state(&self, name: LayerName) -> Option<&State> {
        self.layers.iter().find(|layer| layer.name == name).map(|layer| &layer.state)
    }

    /// The layers that are not in force in full.
    pub fn gaps(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| !layer.state.is_active())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.role)?;
        for layer in &self.layers {
            writeln!(f, "  {:<15} {}", layer.name.name(), layer.state)?;
        }
        Ok(())
    }
}

/// What this machine offers for confinement, of what Linux has; see
/// [`seatbelt::support`](crate::seatbelt::support) for macOS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Support {
    /// Whether a user namespace with mounts of its own can be made, and if not why.
    pub user_namespace: State,
    /// Whether the other namespaces can be made.
    pub namespaces: State,
    /// Landlock and its version.
    pub landlock: State,
    /// System call filters.
    pub seccomp: State,
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "user namespace  {}", self.user_namespace)?;
        writeln!(f, "namespaces      {}", self.namespaces)?;
        writeln!(f, "landlock        {}", self.landlock)?;
        writeln!(f, "seccomp         {}", self.seccomp)
    }
}
