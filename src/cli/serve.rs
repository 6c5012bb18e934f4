//! `qvm serve`.

use std::path::{Path, PathBuf};

use models::{
    Gpu, Models, Search, Server,
    gpu::{self, Grants},
};

use super::args::ServeArgs;
use crate::{
    error::Error,
    policy::{host::Host, model},
    serve::{self, Choice, Options, weights},
};

/// Serves, or ends who does.
pub fn main(args: ServeArgs, host: &Host) -> Result<u8, Error> {
    if args.stop {
        let info = serve::stop()?;
        super::say(&format!("the model server (pid {}) has ended", info.pid));
        return Ok(0);
    }
    let models = read(host)?;
    let (_, choice) = match &args.model {
        Some(asked) => model::choose(asked, &models, host).map_err(wrong)?,
        None => match models.default_profile() {
            Some(profile) => (profile.id.clone(), Choice::Id(profile.id.to_string())),
            None => {
                return Err(Error::Model(
                    "no model is configured; name one, or add one with `qvm models add`".into(),
                ));
            }
        },
    };
    for flag in &args.extra {
        models::flags::check(flag).map_err(wrong)?;
    }
    let shown = serve::choose(&models, &choice).map_err(Error::Model)?;
    let server = find(args.server_bin, &args.not_in, &models, host)?;
    if !args.on_demand {
        weights::fetch(&shown, host, &args.not_in, false).map_err(Error::Model)?;
    }
    let (gpu, devices) = gpu(&server, args.gpu.unwrap_or(models.gpu))?;
    let (file, context) = (path(host), args.context);
    let adjust = move |profile: models::Profile| models::Profile {
        context: context.or(profile.context),
        ..profile
    };
    let (home, cache) = (host.dirs.home.clone(), host.dirs.cache.clone());
    let listed = file.clone();
    Ok(serve::run(Options {
        profile: adjust(shown),
        server,
        gpu,
        devices,
        extra: args.extra,
        idle: args.idle,
        verbose: args.verbose,
        on_demand: args.on_demand,
        lookup: Box::new(move |choice| {
            let models = models::config::read(&file).map_err(|e| crate::error::line(&e))?;
            serve::choose(&models, choice).map(&adjust)
        }),
        list: Box::new(move || match models::config::read(&listed) {
            Ok(models) => models.shown().cloned().collect(),
            // What is loaded is still told.
            Err(_) => Vec::new(),
        }),
        weights: Box::new(move |profile| weights::there(profile, &home, &cache)),
    })?)
}

/// What of a GPU the server is given, and what it can use of it: a server that finds nothing usable
/// is given nothing.
pub fn gpu(server: &Server, choice: Gpu) -> Result<(Grants, Vec<String>), Error> {
    let grants = gpu::grants(choice, server, &gpu::devices(Path::new("/dev")));
    let usable = match grants.is_empty() {
        true => Vec::new(),
        false => serve::usable(server, &grants).map_err(wrong)?,
    };
    if usable.is_empty() && matches!(choice, Gpu::Nvidia | Gpu::Amd) {
        return Err(Error::Model(format!(
            "{} finds no usable GPU; `--gpu none` serves from the CPU",
            server.program.display()
        )));
    }
    Ok(if usable.is_empty() { (Grants::default(), usable) } else { (grants, usable) })
}

/// Where `models.toml` is.
pub fn path(host: &Host) -> PathBuf {
    host.dirs.config.join("models.toml")
}

/// The user's models; none if there is no file.
pub fn read(host: &Host) -> Result<Models, Error> {
    models::config::read(&path(host)).map_err(wrong)
}

/// The program that serves.
pub fn find(
    named: Option<PathBuf>,
    not_in: &[PathBuf],
    models: &Models,
    host: &Host,
) -> Result<Server, Error> {
    let expand = |path: &PathBuf| models::source::expand(path, &host.dirs.home, &host.cwd);
    let (named, configured) = (named.as_ref().map(expand), models.server.as_ref().map(expand));
    let variable = |name| host.var(name).map(std::ffi::OsString::as_os_str);
    Server::find(&Search {
        option: named.as_deref(),
        config: configured.as_deref(),
        variable: variable("QVM_LLAMA_SERVER"),
        path: variable("PATH"),
        cache: Some(&host.dirs.cache),
        shared: not_in,
    })
    .map_err(wrong)
}

/// What is wrong, on one line.
pub fn wrong(error: impl std::error::Error) -> Error {
    Error::Model(crate::error::line(&error))
}

#[cfg(test)]
#[path = "serve_test.rs"]
mod tests;
