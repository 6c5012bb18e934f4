#![allow(clippy::unwrap_used)]

use super::*;

fn mirror(main: &str, updates: bool, security: Option<&str>) -> Mirror {
    Mirror { main: main.to_owned(), updates, security: security.map(str::to_owned) }
}

#[test]
fn deb822_of_a_plain_debian() {
    let sources = deb822(
        "Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-updates\n\
         Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
         Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n",
    );
    let found = Mirror::among(&sources).unwrap();
    assert_eq!(
        found,
        mirror(
            "http://mirror.example/debian/",
            true,
            Some("http://mirror.example/debian-security")
        )
    );
    assert_eq!(
        found.lines("trixie"),
        [
            "deb http://mirror.example/debian/ trixie main",
            "deb http://mirror.example/debian/ trixie-updates main",
            "deb http://mirror.example/debian-security trixie-security main",
        ]
    );
}

#[test]
fn one_line_of_a_plain_debian() {
    let sources = one_line(
        "# deb http://old.example/debian bookworm main\n\
         deb cdrom:[Debian]/ bookworm main\n\
         deb-src http://mirror.example/debian trixie main\n\
         deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie main contrib # why\n",
    );
    assert_eq!(
        Mirror::among(&sources).unwrap(),
        mirror("http://mirror.example/debian", false, None)
    );
}

#[test]
fn strangers_with_debians_suite_names_come_last() {
    let sources = one_line(
        "deb https://vendor.example/apt bookworm main\n\
         deb https://vendor.example/tool stable main\n\
         deb https://db.example/apt bookworm-pgdg main\n\
         deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
    );
    assert_eq!(
        Mirror::among(&sources).unwrap(),
        mirror("mirror+file:/etc/apt/mirrors/debian.list", false, None)
    );
}

#[test]
fn a_mirror_of_any_name_will_do_alone() {
    let sources = one_line("deb http://10.0.0.1/pkgs stable main\n");
    assert_eq!(Mirror::among(&sources).unwrap().main, "http://10.0.0.1/pkgs");
}

#[test]
fn what_is_no_archive_of_debian() {
    assert_eq!(Mirror::among(&one_line("deb http://u.example/ubuntu noble main\n")), None);
    assert_eq!(Mirror::among(&one_line("deb http://m.example/debian ./\n")), None);
    let disabled = "Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: trixie\nComponents: main\n";
    assert_eq!(Mirror::among(&deb822(disabled)), None);
    assert_eq!(
        Mirror::among(&deb822(&disabled.replace("no", "yes"))).unwrap().main,
        "http://m.example/debian"
    );
}

#[test]
fn folded_fields_and_keys_in_place() {
    let sources = deb822(
        "types: deb\nURIs:\n http://m.example/debian\nSuites: trixie\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n",
    );
    assert_eq!(Mirror::among(&sources).unwrap().main, "http://m.example/debian");
}
