#![allow(clippy::unwrap_used)]

use super::*;

fn hub(org: &str, name: &str, revision: Option<&str>, choice: Choice) -> Source {
    Source::Hub(Repo {
        org: org.into(),
        name: name.into(),
        revision: revision.map(str::to_owned),
        choice,
    })
}

#[test]
fn every_form_is_understood_and_written_back() {
    let file = |name: &str| Choice::File(name.into());
    for (text, wanted) in [
        ("/a/x.gguf", Source::File("/a/x.gguf".into())),
        ("./x", Source::File("./x".into())),
        ("../x.gguf", Source::File("../x.gguf".into())),
        ("~/m/x.gguf", Source::File("~/m/x.gguf".into())),
        ("x.gguf", Source::File("x.gguf".into())),
        ("m/x.GGUF", Source::File("m/x.GGUF".into())),
        ("a/b", hub("a", "b", None, Choice::Any)),
        ("a/b-GGUF:c.gguf", hub("a", "b-GGUF", None, file("c.gguf"))),
        ("a/b:UD/c.gguf", hub("a", "b", None, file("UD/c.gguf"))),
        ("a/b@v1.0:c.gguf", hub("a", "b", Some("v1.0"), file("c.gguf"))),
        ("a/b:Q4_K_M", hub("a", "b", None, Choice::Quantisation("Q4_K_M".into()))),
    ] {
        let source: Source = text.parse().unwrap();
        assert_eq!(source, wanted, "{text}");
        assert_eq!(source.to_string(), text);
    }
    assert_eq!("hf:a/b".parse(), Ok(hub("a", "b", None, Choice::Any)));
    assert_eq!("hf:a/b.gguf".parse(), Ok(hub("a", "b.gguf", None, Choice::Any)));
}

#[test]
fn tricks_are_refused_in_one_line() {
    let long = "a/".repeat(1000);
    for wrong in [
        "",
        "a",
        "a/b/c",
        "a/../b",
        "../b:c",
        "a/b:../c.gguf",
        "a/b:/etc/c.gguf",
        "a/b:c/../d.gguf",
        "a/b:c//d.gguf",
        "a/b@../x",
        "a/b@:c.gguf",
        "a/b:",
        "a/b: ",
        "a/.b",
        "-a/b",
        "a/b:c?.gguf",
        "a/b:c#.gguf",
        "a/b:.c.gguf",
        "a/b:c%2f.gguf",
        "a/b\n",
        "a/b:c\u{1b}.gguf",
        "hf:",
        "hf:/x",
        "https://huggingface.co/a/b",
        "a b/c",
        &long,
    ] {
        match wrong.parse::<Source>() {
            // A path of this host, and not a way around the hub's names.
            Ok(Source::File(_)) => assert!(wrong.starts_with("../"), "{wrong:?}"),
            Ok(other) => panic!("{wrong:?} became {other:?}"),
            Err(e) => assert_eq!(e.to_string().lines().count(), 1, "{wrong:?}"),
        }
    }
}

#[test]
fn paths_are_resolved() {
    let (home, folder) = (Path::new("/home/u"), Path::new("/here"));
    let path = |text: &str| text.parse::<Source>().unwrap().file(home, folder);
    assert_eq!(path("~/x.gguf"), Some("/home/u/x.gguf".into()));
    assert_eq!(path("./x.gguf"), Some("/here/./x.gguf".into()));
    assert_eq!(path("/x.gguf"), Some("/x.gguf".into()));
    assert_eq!(path("a/b"), None);
}

#[test]
fn weights_without_a_name_get_that_of_their_file_or_repository() {
    for (text, id) in [
        ("/a/b/Some model.Q4_1.gguf", "Some-model.Q4_1"),
        ("org/Qwen3-1.7B-GGUF", "Qwen3-1.7B"),
        ("/…/….gguf", "model"),
    ] {
        assert_eq!(text.parse::<Source>().unwrap().id().as_str(), id, "{text}");
    }
    let absolute = Source::File("x.gguf".into()).absolute(Path::new("/home/me"), Path::new("/w"));
    assert_eq!(absolute.to_string(), "/w/x.gguf");
}
