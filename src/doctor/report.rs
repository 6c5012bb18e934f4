//! Findings and how they are shown.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::plain;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but could be better.
    Warn,
    /// No machine can be run before this is mended.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it went.
    pub level: Level,
    /// What was found.
    pub fact: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, fact: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, fact: fact.into(), advice: None }
    }

    /// It could be better.
    pub fn warn(check: &'static str, fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, fact: fact.into(), advice: Some(advice.into()) }
    }

    /// It must be mended.
    pub fn fail(check: &'static str, fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(check, fact, advice) }
    }

    /// It must be mended, and the error says how.
    pub fn error(check: &'static str, error: &dyn std::error::Error) -> Self {
        Self { level: Level::Fail, ..Self::ok(check, crate::error::line(error)) }
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which they are shown.
    pub findings: Vec<Finding>,
    /// What `--accel auto` takes and why, or why nothing.
    pub engine: String,
    /// Machines can be run.
    pub usable: bool,
}

impl Report {
    /// From findings; one failure makes it unusable.
    pub fn new(findings: Vec<Finding>, engine: String) -> Self {
        let usable = findings.iter().all(|f| f.level != Level::Fail);
        Self { findings, engine, usable }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let level = match finding.level {
                Level::Ok => "ok  ",
                Level::Warn => "warn",
                Level::Fail => "FAIL",
            };
            let _ = writeln!(text, "{level}  {:<12} {}", finding.check, plain(&finding.fact));
            if let Some(advice) = &finding.advice {
                let _ = writeln!(text, "{:18} -> {}", "", plain(advice));
            }
        }
        let failed: Vec<_> =
            self.findings.iter().filter(|f| f.level == Level::Fail).map(|f| f.check).collect();
        let verdict = if self.usable {
            "qvm can run machines here".to_owned()
        } else {
            format!("qvm cannot run machines here before this is mended: {}", failed.join(", "))
        };
        let _ = writeln!(text, "\n{}.\n{verdict}.", plain(&self.engine));
        text
    }
}

#[cfg(test)]
#[path = "report_test.rs"]
mod tests;
