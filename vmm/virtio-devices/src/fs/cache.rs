//! What the guest may believe without asking.

use std::time::Duration;

use super::sys::Host;

/// For how long the guest's kernel may use what it was told before it asks again.
///
/// The default lets a change on the host be seen at once by whoever resolves a path or opens a
/// file: the last component of a path is always asked about, which brings fresh attributes and
/// makes the guest drop pages of a file that changed. What may lag is short: directories in the
/// middle of a path and their permissions for a second, files that stay open for a tenth of one.
/// Asking about the directories as well would multiply the requests of every path by its depth.
/// Names that do not exist are never remembered, so a file made on the host is there at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// Names of directories, and their attributes.
    pub directory: Duration,
    /// Names of other files, when resolved one by one.
    pub name: Duration,
    /// Attributes of other files.
    pub attributes: Duration,
    /// Names of other files, when listed with their attributes: long enough for a program that
    /// lists a directory and then looks at each file.
    pub listed: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            directory: Duration::from_secs(1),
            name: Duration::ZERO,
            attributes: Duration::from_millis(100),
            listed: Duration::from_millis(100),
        }
    }
}

impl CachePolicy {
    /// What of it holds on this host. Where two spellings mean one file, what the guest remembers
    /// of one would outlive its removal under the other: names are asked about each time there,
    /// and those of directories at least every second.
    pub(super) fn on(self, host: &Host) -> Self {
        if !host.folds_names() {
            return self;
        }
        Self {
            name: Duration::ZERO,
            directory: self.directory.min(Self::default().directory),
            ..self
        }
    }

    /// For a share that nobody but the guest changes.
    #[must_use]
    pub fn exclusive() -> Self {
        let long = Duration::from_secs(3600);
        Self { directory: long, name: long, attributes: long, listed: long }
    }
}
