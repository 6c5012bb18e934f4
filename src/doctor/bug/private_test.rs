use super::*;

fn private() -> Private {
    Private::new(&[Path::new("/Users/jane")], "jane", "janes-mac.local")
}

#[test]
fn homes_names_and_hosts_are_hidden() {
    let cases = [
        ("/Users/jane/.cache/qvm has 3 GiB", "~/.cache/qvm has 3 GiB"),
        ("/Users/jane", "~"),
        ("/Users/janet/x", "/Users/janet/x"),
        ("/Volumes/jane/x", "/Volumes/(user)/x"),
        ("on janes-mac.local and janes-mac", "on (host) and (host)"),
        ("jane's: jane, janet, Jane", "(user)'s: (user), janet, Jane"),
        ("nothing", "nothing"),
        ("", ""),
    ];
    for (text, hidden) in cases {
        assert_eq!(private().hide(text), hidden);
    }
}

#[test]
fn what_is_in_every_text_stays() {
    let root = Private::new(&[Path::new("/")], "root", "vm");
    assert_eq!(root.hide("/usr/bin of root on vm"), "/usr/bin of root on vm");
}

#[test]
fn a_home_by_a_link_is_hidden_by_both_paths() {
    let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let real = dir.path().canonicalize().unwrap_or_else(|e| panic!("{e}"));
    let (home, link) = (real.join("real-home"), real.join("link-home"));
    std::fs::create_dir(&home).unwrap_or_else(|e| panic!("{e}"));
    std::os::unix::fs::symlink(&home, &link).unwrap_or_else(|e| panic!("{e}"));
    let private = Private::new(&[&link], "nobody-here", "");
    let text = format!("{}/a {}/b", link.display(), home.display());
    assert_eq!(private.hide(&text), "~/a ~/b");
}
