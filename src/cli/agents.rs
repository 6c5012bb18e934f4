//! `qvm agents`: the coding agents that qvm knows.

use std::{env::consts::ARCH, fmt::Write as _};

use guest_image::{
    Cache,
    agents::{ALL, DEFAULT, Source, UNSUPPORTED},
};
use serde::Serialize;

use crate::error::Error;

/// An agent, for programs.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    about: &'static str,
    /// Version that a layer has.
    version: Option<&'static str>,
    /// In the layer that is used unless told otherwise.
    default: bool,
    /// A layer of the cache has it in this version.
    cached: bool,
    /// Why no layer can have it.
    absent: Option<&'static str>,
    /// Configured for the guest's model.
    supported: bool,
}

/// Prints them.
pub fn main(json: bool) -> Result<u8, Error> {
    let cache = Cache::open()?;
    let rows = rows(&cached(&cache)?);
    let text = if json { super::json(&rows) } else { table(&rows) };
    super::print(&text).map(|()| 0)
}

/// Names and versions of all agents in layers of the cache.
fn cached(cache: &Cache) -> Result<Vec<(String, String)>, Error> {
    let layers = cache.layers()?.into_iter().filter_map(|(_, layer)| layer.ok());
    let packages = layers.flat_map(|layer| layer.manifest.packages);
    Ok(packages.map(|package| (package.name, package.version)).collect())
}

fn rows(cached: &[(String, String)]) -> Vec<Row> {
    let known = ALL.iter().map(|agent| {
        let version = agent.version(ARCH);
        Row {
            name: agent.name,
            about: agent.about,
            version,
            default: DEFAULT.contains(&agent.name),
            cached: cached.iter().any(|(n, v)| n == agent.name && Some(v.as_str()) == version),
            absent: match agent.source {
                Source::Absent(reason) => Some(reason),
                Source::Npm(_) | Source::PyPI { .. } if version.is_none() => {
                    Some("there is none for this machine")
                }
                Source::Npm(_) | Source::PyPI { .. } => None,
            },
            supported: true,
        }
    });
    let unsupported = UNSUPPORTED.iter().map(|&(name, reason)| Row {
        name,
        about: "",
        version: None,
        default: false,
        cached: false,
        absent: Some(reason),
        supported: false,
    });
    known.chain(unsupported).collect()
}

/// For people.
fn table(rows: &[Row]) -> String {
    let mut text = String::from("AGENT     VERSION   HOW TO GET IT\n");
    for row in rows {
        let there = if row.cached { ", cached" } else { "" };
        let how = match row.absent {
            None if row.default => format!("by default{there}"),
            None => format!("--with {}{there}", row.name),
            Some(reason) if row.supported => format!("an image of your own that has it: {reason}"),
            Some(reason) => format!("not supported: {reason}"),
        };
        let _ = writeln!(text, "{:<9} {:<9} {how}", row.name, row.version.unwrap_or("-"));
    }
    text
}

#[cfg(test)]
#[path = "agents_test.rs"]
mod tests;
