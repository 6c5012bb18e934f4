//! How qvm ends when it cannot do what was asked: one line on standard error, status 125.

use std::{error::Error as StdError, fmt::Write as _, io};

use crate::{policy::PolicyError, session};

/// Exit status of every failure of qvm itself, as chroot(1), env(1) and container runners have it.
pub const STATUS: u8 = 125;

/// What ends qvm.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense; the text says what would.
    #[error("{0}")]
    Usage(String),
    /// What was asked for is not allowed or not possible here.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The cache of images, or an image in it.
    #[error(transparent)]
    Image(#[from] guest_image::CacheError),
    /// An image was not built.
    #[error(transparent)]
    Build(#[from] guest_image::BuildError),
    /// A kernel of the user's cannot boot.
    #[error(transparent)]
    Kernel(#[from] guest_image::KernelFileError),
    /// An archive cannot be had; the text says why.
    #[error("{0}")]
    Fetch(String),
    /// An image was not taken or given.
    #[error(transparent)]
    Ready(#[from] guest_image::ReadyError),
    /// Nix did not give what was asked for.
    #[error(transparent)]
    Nix(#[from] guest_image::nix::NixError),
    /// The model server.
    #[error(transparent)]
    Serve(#[from] crate::serve::Error),
    /// A model cannot be used.
    #[error("{0}")]
    Model(String),
    /// The machine, or a command in it, did not do.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// Standard output is full or broken.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

impl Error {
    /// The text for standard error: one line, and below it the end of the guest's console where
    /// a machine failed.
    pub fn text(&self) -> String {
        let text = chain(self);
        match self {
            Self::Session(_) => text.split('\n').map(plain).collect::<Vec<_>>().join("\n"),
            _ => plain(&text),
        }
    }
}

/// An error and its causes as one line: each cause after a colon, nothing said twice, no control
/// characters, since a file name or a file's content may be part of it.
pub fn line(error: &dyn StdError) -> String {
    plain(&chain(error))
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// `text` on one line, with control characters written out so that a terminal does not act on
/// them.
pub fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        // Bidirectional overrides can make a line read as something else.
        let hidden =
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let _ =
            if hidden { write!(result, "{}", c.escape_default()) } else { result.write_char(c) };
    }
    result
}

#[cfg(test)]
#[path = "error_test.rs"]
mod tests;
