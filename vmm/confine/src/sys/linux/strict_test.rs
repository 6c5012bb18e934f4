#![allow(clippy::unwrap_used)]

use super::*;
use crate::Role;

fn report() -> Report {
    let mut report = Report::new(Role::Model);
    for layer in ALL {
        report.add(layer, State::active("x"));
    }
    report
}

/// The layer that is complained of.
fn complaint(report: &Report) -> Option<LayerName> {
    match check(report, true) {
        Err(Error::Strict { layer, .. }) => Some(layer),
        Err(error) => panic!("{error}"),
        Ok(()) => None,
    }
}

#[test]
fn all_layers_or_nothing() {
    assert_eq!(complaint(&report()), None);
    for (index, layer) in ALL.into_iter().enumerate() {
        let mut missing = report();
        missing.layers[index].state = State::missing("x");
        assert_eq!(complaint(&missing), Some(layer));
        missing.layers.remove(index);
        assert_eq!(complaint(&missing), Some(layer));
    }
}

#[test]
fn half_a_layer_is_none() {
    for (index, layer) in ALL.into_iter().enumerate() {
        let mut half = report();
        half.layers[index].state = State::partial("x", "y");
        match layer {
            LayerName::Root | LayerName::Landlock => assert_eq!(complaint(&half), None),
            _ => assert_eq!(complaint(&half), Some(layer)),
        }
    }
}

#[test]
fn nobody_stays_root() {
    assert!(matches!(
        check(&report(), false),
        Err(Error::Strict { layer: LayerName::Identity, .. })
    ));
}
