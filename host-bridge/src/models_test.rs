#![allow(clippy::unwrap_used)]

use super::*;
use crate::link::State;

#[test]
fn a_list_names_what_is_loaded_once() {
    let mut status =
        Status { state: State::Running, model: "qwen".into(), name: "Qwen".into(), context: None };
    let ids = |list: &Value| -> Vec<String> {
        let data = list["data"].as_array().unwrap();
        data.iter().map(|e| e["id"].as_str().unwrap().into()).collect()
    };
    assert_eq!(ids(&list(&status)), ["local", "qwen"]);
    for same in ["local", ""] {
        status.model = same.into();
        assert_eq!(ids(&list(&status)), ["local"]);
    }
}

#[test]
fn properties_keep_no_paths() {
    assert_eq!(props(b"{}").unwrap(), b"{}");
    let all = br#"{"model_path":"/x","model_alias":"/x","slots":[{"path":"/x"}],"total_slots":1}"#;
    assert_eq!(props(all).unwrap(), br#"{"total_slots":1}"#);
    assert!(props(b"<html>").is_none());
}
