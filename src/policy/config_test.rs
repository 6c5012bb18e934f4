#![allow(clippy::unwrap_used)]

use super::*;

fn user(text: &str) -> Result<Config, String> {
    parse(text, Path::new("config.toml")).map_err(|e: ConfigError| e.to_string())
}

#[test]
fn every_key() {
    let text = "memory = \"2g\"\ncpus = 3\naccel = \"tcg\"\nimage = \"x\"\ntimeout = \"5m\"\nread_only_workspace = true\nenv = [\"A=1\", \"B\"]\n";
    let config = user(text).unwrap();
    assert_eq!(config.memory, Some(2 << 30));
    assert_eq!(config.cpus, Some(3));
    assert_eq!(config.accel, Some(Choice::Tcg));
    assert_eq!(config.image.as_deref(), Some("x"));
    assert_eq!(config.timeout, Some(Duration::from_secs(300)));
    assert_eq!(config.read_only_workspace, Some(true));
    let args = config.env_args(&[]).unwrap();
    assert_eq!(args, [env::variable("A=1".as_ref()).unwrap()]);
    assert_eq!(config.env_args(&[("B".into(), "2".into())]).unwrap().len(), 2);
}

#[test]
fn absent_is_default() {
    assert_eq!(user("").unwrap(), Config::default());
    assert_eq!(read(Path::new("/nonexistent/config.toml")).unwrap(), Config::default());
    assert!(matches!(read(Path::new("/")), Err(ConfigError::Read(..))));
}

#[test]
fn mistakes_name_file_line_and_key() {
    let cases = [
        ("cpus = 2\nmemroy = \"4g\"\n", "config.toml:2:", "memroy"),
        ("cpus = 0\n", "config.toml:1:", "1 to 32"),
        ("\n\nmemory = \"4x\"\n", "config.toml:3:", "memory is"),
        ("memory = 1.5\n", "config.toml:1:", "4g"),
        ("accel = \"xen\"\n", "config.toml:1:", "xen"),
        ("cpus = \n", "config.toml:1:", ""),
        ("[a]\nb = 1\n", "config.toml:1:", "a"),
    ];
    for (text, at, what) in cases {
        let error = user(text).unwrap_err();
        assert!(
            error.starts_with(at) && error.contains(what) && !error.contains('\n'),
            "{text:?}: {error}"
        );
    }
}
