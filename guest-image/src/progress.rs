//! What a build is doing, and how a person sees it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A part of a build. They come in this order; the first only if needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Another process builds an image in the same cache.
    Waiting,
    /// The distribution's package lists are fetched.
    Index,
    /// Packages are fetched and installed.
    Packages,
    /// The kernel is fetched and taken apart.
    Kernel,
    /// The root is compressed.
    Root,
    /// Of a layer instead: agents are fetched.
    Agents,
    /// Agents are put together and compressed.
    Layer,
    /// Of what Nix makes instead: it evaluates and builds.
    Nix,
    /// Store paths are put together.
    Closure,
    /// They are compressed.
    Pack,
    /// Of an image that was made elsewhere: it is copied.
    Copy,
    /// Of a kernel instead: its source is fetched.
    Source,
    /// The source is unpacked.
    Unpack,
    /// The kernel is configured and compiled.
    Compile,
    /// The files are hashed and brought to the disk.
    Finish,
}

impl Phase {
    /// A few words for a person.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for another build of the same cache",
            Self::Index => "reading package lists",
            Self::Packages => "installing packages",
            Self::Kernel => "unpacking the kernel",
            Self::Root => "compressing the root",
            Self::Agents => "fetching agents",
            Self::Layer => "putting agents together",
            Self::Nix => "evaluating and building with Nix",
            Self::Closure => "collecting store paths",
            Self::Pack => "compressing store paths",
            Self::Copy => "copying the image",
            Self::Source => "fetching the kernel's source",
            Self::Unpack => "unpacking the source",
            Self::Compile => "compiling the kernel",
            Self::Finish => "checking and saving",
        }
    }

    /// Where it begins and ends on the whole build's scale, in percent. Measured once.
    fn span(self) -> (u64, u64) {
        match self {
            Self::Waiting => (0, 0),
            Self::Index => (0, 6),
            Self::Packages => (6, 84),
            Self::Kernel => (84, 89),
            Self::Root => (89, 96),
            Self::Agents => (0, 70),
            Self::Layer => (70, 96),
            Self::Nix => (0, 50),
            Self::Closure => (50, 70),
            Self::Pack => (70, 96),
            Self::Copy => (50, 96),
            Self::Source => (6, 8),
            Self::Unpack => (8, 14),
            Self::Compile => (14, 96),
            Self::Finish => (96, 100),
        }
    }
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The part it is in.
    pub phase: Phase,
    /// Steps of that part that are done.
    pub done: u64,
    /// Steps it has; 0 where that is not known.
    pub total: u64,
}

impl Progress {
    /// The beginning of a part whose length is not known.
    #[must_use]
    pub fn start(phase: Phase) -> Self {
        Self { phase, done: 0, total: 0 }
    }

    /// How much of the whole build is done, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let (from, to) = self.phase.span();
        let done = self.done.min(self.total);
        from + (to - from).saturating_mul(done).checked_div(self.total).unwrap_or(0)
    }
}

/// Writes progress to standard error: one line that moves on a terminal, else a line for each
/// part. Nothing when quiet.
#[derive(Debug)]
pub struct Reporter {
    what: &'static str,
    style: Style,
    started: Instant,
    last: Option<(Progress, Instant)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Quiet,
    Lines,
    Bar,
}

const BAR: u64 = 30;

impl Reporter {
    /// For an image or a layer. `quiet`: say nothing.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self::of("image", quiet)
    }

    /// As [`Reporter::new`], for something of another name.
    #[must_use]
    pub fn of(what: &'static str, quiet: bool) -> Self {
        let style = match quiet {
            true => Style::Quiet,
            false if io::stderr().is_terminal() => Style::Bar,
            false => Style::Lines,
        };
        Self { what, style, started: Instant::now(), last: None }
    }

    /// Shows how far the build is.
    pub fn update(&mut self, progress: Progress) {
        // A standard error that is gone must not end a build.
        let _ = self.write(progress, &mut io::stderr());
    }

    /// Ends the line, after success and after failure alike.
    pub fn finish(&mut self) {
        if self.style == Style::Bar && self.last.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn write(&mut self, progress: Progress, to: &mut impl Write) -> io::Result<()> {
        let same_phase = self.last.is_some_and(|(last, _)| last.phase == progress.phase);
        let just_now = self.last.is_some_and(|(_, at)| at.elapsed() < Duration::from_millis(100));
        match self.style {
            Style::Quiet => return Ok(()),
            Style::Lines if same_phase => return Ok(()),
            Style::Bar if same_phase && just_now => return Ok(()),
            Style::Lines => writeln!(to, "qvm: {}: {}", self.what, progress.phase.label())?,
            Style::Bar => {
                write!(to, "\r\x1b[K{}", bar(self.what, progress, self.started.elapsed()))?
            }
        }
        self.last = Some((progress, Instant::now()));
        to.flush()
    }
}

/// The line shown on a terminal; at most 79 columns.
fn bar(what: &str, progress: Progress, elapsed: Duration) -> String {
    let label = progress.phase.label();
    if progress.phase == Phase::Waiting {
        return format!("{what}: {label}");
    }
    let percent = progress.percent();
    let filled = usize::try_from(percent * BAR / 100).unwrap_or(0);
    let empty = usize::try_from(BAR).unwrap_or(0).saturating_sub(filled);
    let seconds = elapsed.as_secs();
    format!(
        "{what} [{}{}] {percent:3}% {:2}:{:02} {label}",
        "#".repeat(filled),
        "·".repeat(empty),
        seconds / 60,
        seconds % 60
    )
}

#[cfg(test)]
#[path = "progress_test.rs"]
mod tests;
