#![allow(clippy::unwrap_used)]

use super::*;

fn of(name: &str, variable: Option<&str>, file: Option<&str>) -> Option<String> {
    let file = file.map(|text| text.parse().unwrap());
    let found = of_image(Some(name), variable.map(OsStr::new), file.as_ref(), Path::new("/cwd"));
    found.unwrap().map(|flake| flake.to_string())
}

#[test]
fn nixos_is_what_the_environment_says_else_the_file() {
    assert_eq!(of("nixos", Some("/a"), Some("/b")).unwrap(), "/a#guest-image");
    assert_eq!(of("nixos", None, Some("/b#other")).unwrap(), "/b#other");
    assert_eq!(of("nixos", Some(""), Some("/b")).unwrap(), "/b#guest-image");
    assert_eq!(of("nixos", None, None), None);
}

#[test]
fn a_flake_is_named_by_its_scheme_and_relative_to_the_current_directory() {
    assert_eq!(of("flake:./x#y", Some("/a"), None).unwrap(), "/cwd/x#y");
    assert_eq!(of("flake:github:o/r", None, None).unwrap(), "github:o/r#guest-image");
    assert_eq!(of("abc123", Some("/a"), Some("/b")), None);
    let dash = of_image(Some("flake:--impure"), None, None, Path::new("/"));
    assert!(dash.unwrap_err().to_string().contains("dash"));
    assert_eq!(of_image(None, Some(OsStr::new("/a")), None, Path::new("/")).unwrap(), None);
}
