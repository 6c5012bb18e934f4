//! All layers or nothing.

use crate::{Error, LayerName, Report, Result, State};

/// The layers that must be there, which is all that [`enter`](super::enter) sets up.
const ALL: [LayerName; 9] = [
    LayerName::Descriptors,
    LayerName::UserNamespace,
    LayerName::Namespaces,
    LayerName::Root,
    LayerName::Identity,
    LayerName::Capabilities,
    LayerName::Landlock,
    LayerName::Limits,
    LayerName::ParentDeath,
];

/// Fails unless every layer of `report` is in force, with the two exceptions that
/// [`Profile::strict`](crate::Profile::strict) tells. `ordinary`: the process is no longer root.
pub(super) fn check(report: &Report, ordinary: bool) -> Result<()> {
    let fail = |layer, why: String| Err(Error::Strict { layer, why });
    if !ordinary {
        return fail(LayerName::Identity, "it would stay root".to_owned());
    }
    for layer in ALL {
        match (layer, report.state(layer)) {
            (_, Some(State::Active { .. })) => {}
            // /proc is all that a root can lack.
            (LayerName::Root, Some(State::Partial { .. })) => {}
            // Every version knows files, and other layers hold what newer ones do.
            (LayerName::Landlock, Some(State::Partial { .. })) => {}
            (_, Some(State::Partial { missing, .. })) => return fail(layer, missing.clone()),
            (_, Some(State::Missing { why })) => return fail(layer, why.clone()),
            (_, None) => return fail(layer, "it was not set up".to_owned()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "strict_test.rs"]
mod tests;
