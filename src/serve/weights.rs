//! The files of a model: fetched by who has a terminal, found by who serves.

use std::{
    ffi::OsString,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use models::{Curl, Profile, Progress, Source, Step, Store, curl};

use crate::{
    error::{line, plain},
    policy::{host::Host, units::show_bytes},
};

/// How often the bar is drawn anew.
const OFTEN: Duration = Duration::from_millis(200);
/// Longest waits between lines where there is no terminal.
const SELDOM: Duration = Duration::from_secs(30);

/// A model's files on this machine.
#[derive(Debug)]
pub struct Weights {
    /// In their order.
    pub parts: Vec<models::Part>,
    /// The vision projector.
    pub mmproj: Option<PathBuf>,
}

/// The files of a model that are on this machine already.
///
/// # Errors
/// One line.
pub fn there(profile: &Profile, home: &Path, cache: &Path) -> Result<Weights, String> {
    let store = Store::new(cache, String::new(), None);
    all(profile, home, |repo| store.fetch(repo, &mut |_| ()).map_err(|e| line(&e)))
}

/// Makes the files of a model be on this machine, and shows how far that is. No `curl` in
/// `shared`, the folders that a guest sees, is run.
///
/// # Errors
/// One line.
pub fn fetch(
    profile: &Profile,
    host: &Host,
    shared: &[PathBuf],
    quiet: bool,
) -> Result<Weights, String> {
    if let Ok(weights) = there(profile, &host.dirs.home, &host.dirs.cache) {
        return Ok(weights);
    }
    let variable = |name: &str| host.var(name).cloned();
    all(profile, &host.dirs.home, |repo| {
        let curl = Curl::find(variable, shared).map_err(|e| line(&e))?;
        let endpoint = curl::endpoint(host.var("HF_ENDPOINT").map(OsString::as_os_str))
            .map_err(|e| line(&e))?;
        let mut bar = Bar::new(quiet);
        let fetched = Store::new(&host.dirs.cache, endpoint, Some(curl))
            .fetch(repo, &mut |now| bar.show(now));
        bar.finish();
        fetched.map_err(|e| line(&e))
    })
}

/// Weights and projector, those of the hub by `fetch`.
fn all(
    profile: &Profile,
    home: &Path,
    fetch: impl Fn(&models::Repo) -> Result<models::Weights, String>,
) -> Result<Weights, String> {
    let open = |source: &Source| match source {
        Source::Hub(repo) => fetch(repo),
        Source::File(path) => {
            let path = models::source::expand(path, home, Path::new("/"));
            models::Weights::open(&path).map_err(|e| line(&e))
        }
    };
    let parts = open(&profile.model)?.parts;
    let mmproj = profile.mmproj.as_ref().map(open).transpose()?;
    let mmproj = mmproj.and_then(|weights| weights.parts.into_iter().next());
    Ok(Weights { parts, mmproj: mmproj.map(|part| part.path) })
}

/// Shows a download: one line that changes on a terminal, a line now and then elsewhere.
struct Bar {
    quiet: bool,
    terminal: bool,
    shown: Option<(Step, Instant)>,
}

impl Bar {
    fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), shown: None }
    }

    fn show(&mut self, now: &Progress) {
        let patience = if self.terminal { OFTEN } else { SELDOM };
        let recent = |(step, at): &(Step, Instant)| *step == now.step && at.elapsed() < patience;
        if self.quiet || self.shown.as_ref().is_some_and(recent) {
            return;
        }
        self.shown = Some((now.step.clone(), Instant::now()));
        let text = text(now);
        let (before, after) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        // Nobody can be told if that fails.
        let _ = write!(std::io::stderr(), "{before}qvm: {text}{after}");
    }

    fn finish(&self) {
        if self.terminal && self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn text(now: &Progress) -> String {
    let name = plain(&now.name);
    match now.step {
        Step::Waiting => format!("{name}: another qvm fetches it; waiting"),
        Step::Listing => format!("{name}: asking what there is"),
        Step::Fetching | Step::Checking => {
            let what = if now.step == Step::Fetching { "fetching" } else { "checking" };
            let percent = (now.done.min(now.total) * 100).checked_div(now.total).unwrap_or(0);
            let (done, total) = (show_bytes(now.done), show_bytes(now.total));
            format!("{what} {name}: {percent}% ({done} of {total})")
        }
    }
}

#[cfg(test)]
#[path = "weights_test.rs"]
mod tests;
