use super::*;

#[test]
fn archives_must_be_signed_by_debian() {
    let line = signed("deb http://mirror.example/debian trixie main");
    assert_eq!(line, format!("deb [signed-by={KEYRING}] http://mirror.example/debian trixie main"));
}

#[test]
fn apt_is_kept_to_its_directory() {
    let settings = ["Acquire::http::Proxy \"http://p.example:3128\";".to_owned()];
    let text = configuration("/c/work/apt", "arm64", &settings);
    assert!(text.starts_with("Dir \"/c/work/apt\";\n"), "{text}");
    assert!(text.contains("Dir::State::status \"/c/work/apt/status\";\n"), "{text}");
    assert!(text.contains("APT::Architectures \"arm64\";\n"), "{text}");
    assert!(text.ends_with("Acquire::http::Proxy \"http://p.example:3128\";\n"), "{text}");
    assert!(!text.contains("\"/etc"), "{text}");
}
