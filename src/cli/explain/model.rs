//! The model of a run, in words.

use serde::Serialize;

use crate::{
    session,
    spec::{Model as Chosen, Spec},
};

/// What the guest can ask, and what agents are told of it.
#[derive(Debug, Serialize)]
pub struct Model {
    /// Its id; `None` where somebody else's server has it.
    pub id: Option<String>,
    /// Where its weights come from, or where that server listens.
    pub source: String,
    /// Who serves it.
    pub served_by: &'static str,
    /// Where the guest finds it.
    pub address: &'static str,
    /// File that requests are written to.
    pub request_log: Option<String>,
    /// Names of variables that agents get.
    pub variables: Vec<String>,
    /// Files that agents get, by their paths in the guest.
    pub files: Vec<String>,
}

/// The model of a run.
pub fn of(spec: &Spec) -> Option<Model> {
    let (id, source, served_by) = match spec.model.as_ref()? {
        Chosen::Local(local) => (Some(local.id.clone()), local.source.clone(), "qvm serve"),
        Chosen::Running => (None, "`qvm serve`, which runs,".to_owned(), "qvm serve"),
        Chosen::Upstream(upstream) => (None, upstream.to_string(), "upstream"),
    };
    let told = session::told(spec);
    // What the caller says of a variable goes before.
    let new = |name: &std::ffi::OsString| !spec.env.iter().any(|(own, _)| own == name);
    let variables = told.variables.iter().filter(|name| new(name));
    Some(Model {
        id,
        source,
        served_by,
        address: session::MODEL_URL,
        request_log: spec.log_requests.as_ref().map(|path| path.display().to_string()),
        variables: variables.map(|name| name.to_string_lossy().into_owned()).collect(),
        files: told.files.iter().map(|path| path.display().to_string()).collect(),
    })
}

impl Model {
    /// For people: labels and what they are of.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let what = match &self.id {
            Some(id) => format!("{id} ({}), by a server of qvm", self.source),
            None => format!("what {} serves", self.source),
        };
        let mut lines = vec![("model", format!("{what}; at {} in the guest", self.address))];
        lines.extend(self.request_log.as_ref().map(|path| ("request log", path.clone())));
        lines.push(("for agents", self.variables.join(" ")));
        lines.push(("agent files", self.files.join(" ")));
        lines
    }
}
