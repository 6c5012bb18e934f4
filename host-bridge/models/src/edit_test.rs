#![allow(clippy::unwrap_used)]

use super::*;

const TEXT: &str = r#"# my models
default = "b"   # the good one

idle = "5m"

# about a
[models.a]
model = "o/r"  # [models.b]

# about b
[models.b]
# inside
model = "o/r"

[models.b.sampling]
top_p = 0.5
# tail of b

[models."c.d"]
model = "o/r"
# the end
"#;

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn file() -> &'static Path {
    Path::new("models.toml")
}

fn everything() -> Profile {
    let mut profile = Profile::new(id("x.y"), "o/r@v1:f.gguf".parse().unwrap());
    profile.name = Some("a \"b\" \\ é".into());
    profile.description = Some("d".into());
    profile.speed = Some("s".into());
    profile.context = Some(32768);
    profile.gpu_layers = GpuLayers::Count(3);
    profile.fit = false;
    profile.fit_target = Some(1);
    profile.parallel = Some(2);
    profile.cache_ram = Some(0);
    profile.sampling.temperature = Some(1.0);
    profile.sampling.top_p = Some(0.8);
    profile.sampling.seed = Some(7);
    profile.mmproj = Some("~/m.gguf".parse().unwrap());
    profile.args = vec!["--kw".into(), "{\"a\":\"\\n\n\u{7f}\"}".into()];
    profile.hidden = true;
    profile
}

#[test]
fn what_is_added_is_read_back() {
    for text in ["", "# only a comment", TEXT] {
        let new = add(text, &everything(), file()).unwrap();
        assert!(new.starts_with(text));
        let models = config::parse(&new, file()).unwrap();
        assert_eq!(models.get("x.y"), Some(&everything()));
        let back = remove(&new, &id("x.y"), file()).unwrap();
        assert_eq!(back.trim_end(), text.trim_end());
    }
    assert!(matches!(
        add(TEXT, &Profile::new(id("a"), "o/r".parse().unwrap()), file()),
        Err(EditError::Taken(_))
    ));
}

#[test]
fn a_removed_model_takes_its_comments_and_the_default_along() {
    let new = remove(TEXT, &id("b"), file()).unwrap();
    assert_eq!(
        new,
        "# my models\n\nidle = \"5m\"\n\n# about a\n[models.a]\nmodel = \"o/r\"  # [models.b]\n\n\
         [models.\"c.d\"]\nmodel = \"o/r\"\n# the end\n"
    );
    let new = remove(TEXT, &id("c.d"), file()).unwrap();
    // Nothing says that the last line was about it.
    assert!(new.ends_with("# tail of b\n\n# the end\n"), "{new}");
    let new = remove(TEXT, &id("a"), file()).unwrap();
    assert!(!new.contains("about a") && new.contains("# about b"), "{new}");
    assert!(matches!(remove(TEXT, &id("z"), file()), Err(EditError::Unknown(_))));
}

#[test]
fn the_default_is_one_line() {
    let new = set_default(TEXT, &id("c.d"), file()).unwrap();
    assert_eq!(new, TEXT.replace("default = \"b\"   # the good one", "default = \"c.d\""));
    let new = set_default("[models.a]\nmodel = 'o/r'", &id("a"), file()).unwrap();
    assert_eq!(new, "default = \"a\"\n\n[models.a]\nmodel = 'o/r'");
    assert!(matches!(set_default(TEXT, &id("z"), file()), Err(EditError::Unknown(_))));
}

#[test]
fn other_forms_are_refused_and_not_damaged() {
    let inline = "models = { a = { model = 'o/r' }, b = { model = 'o/r' } }\n";
    assert!(matches!(remove(inline, &id("a"), file()), Err(EditError::Form(_))));
    let dotted = "models.a.model = 'o/r'\nmodels.b.model = 'o/r'\n";
    assert!(matches!(remove(dotted, &id("a"), file()), Err(EditError::Form(_))));
    // A line in a text that looks like a table.
    let multi = "[models.b]\nmodel = 'o/r'\ndescription = 'x'\nargs = [\"\"\"\n[models.a]\n\"\"\"]\n\
                 [models.a]\nmodel = 'o/r'\n";
    match remove(multi, &id("a"), file()) {
        Err(EditError::Form(_)) => {}
        Ok(new) => assert!(config::parse(&new, file()).unwrap().get("b").is_some()),
        Err(other) => panic!("{other}"),
    }
    assert!(matches!(remove("x", &id("a"), file()), Err(EditError::Config(_))));
}

#[test]
fn a_file_is_replaced_in_one_step_and_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("qvm/models.toml");
    write(&path, "a").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    write(&link, "b").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "b");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert!(matches!(write(Path::new("/proc/none/x"), ""), Err(EditError::Write(..))));
}
