//! Which flakes a run may have Nix evaluate. Evaluating one runs what its author wrote with the
//! caller's rights to read files, so it is the caller who names them, never the workspace.

use std::{ffi::OsStr, path::Path};

use guest_image::nix::{Flake, FlakeError};
use serde::{Deserialize, Deserializer};

/// Begins the name of an image that a flake makes.
const SCHEME: &str = "flake:";

/// The image that qvm's own flake makes.
pub const NIXOS: &str = "nixos";

/// What a flake of an image calls it, unless told otherwise.
const PACKAGE: &str = "guest-image";

/// The variable with the flake of [`NIXOS`], which `nix run` sets.
pub const VARIABLE: &str = "QVM_NIXOS_FLAKE";

/// The flake that makes the image of this name, if a flake does: `flake:REF#NAME`, or `nixos` by
/// the variable of the environment, else by the user's file.
///
/// # Errors
/// [`FlakeError`].
pub fn of_image(
    name: Option<&str>,
    variable: Option<&OsStr>,
    file: Option<&Flake>,
    cwd: &Path,
) -> Result<Option<Flake>, FlakeError> {
    let flake = match name {
        Some(NIXOS) => match variable.filter(|text| !text.is_empty()) {
            Some(text) => Some(text.to_str().ok_or(FlakeError::Text)?.parse()?),
            None => file.cloned(),
        },
        Some(name) => name.strip_prefix(SCHEME).map(str::parse).transpose()?,
        None => None,
    };
    Ok(flake.map(|flake: Flake| flake.absolute(cwd).or_name(PACKAGE)))
}

/// `flake = "/home/me/shells#rust"` in the user's file.
pub fn from_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Flake>, D::Error> {
    absolute(&String::deserialize(from)?).map(Some)
}

/// `image = "nixos"` in the user's file.
pub fn image_from_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    if let Some(flake) = name.strip_prefix(SCHEME) {
        absolute(flake)?;
    }
    Ok(Some(name))
}

/// A flake that is the same wherever qvm is started: a relative one would have whatever folder
/// that is evaluated, unasked.
fn absolute<E: serde::de::Error>(text: &str) -> Result<Flake, E> {
    let flake: Flake = text.parse().map_err(E::custom)?;
    if flake.is_relative() {
        return Err(E::custom(
            "a flake in this file is an absolute path or a URL; a relative one goes on the command line",
        ));
    }
    Ok(flake)
}

#[cfg(test)]
#[path = "flake_test.rs"]
mod tests;
