#![allow(clippy::unwrap_used)]

use std::ffi::OsString;
use std::sync::Mutex;

use rustix::fs::statvfs;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::fuzzing::sample_gguf;
use crate::source::Source;
use crate::test_server::{Answer, Request, TestServer};

/// A GGUF file with so many bytes behind its head.
fn gguf_file(parts: u32, filling: usize) -> Vec<u8> {
    let mut bytes = sample_gguf(3, &[("split.count", parts)], &[("general.architecture", "llama")]);
    bytes.extend((0..filling).map(|n| u8::try_from(n % 251).unwrap()));
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The list of a repository with these files.
fn list(files: &[(&str, &[u8])]) -> String {
    let siblings: Vec<_> = files
        .iter()
        .map(|(name, content)| {
            let lfs = serde_json::json!({"sha256": sha256(content), "size": content.len()});
            serde_json::json!({"rfilename": name, "size": content.len(), "lfs": lfs})
        })
        .collect();
    serde_json::json!({"sha": "0".repeat(40), "siblings": siblings, "gated": false}).to_string()
}

fn repo(text: &str) -> Repo {
    match text.parse().unwrap() {
        Source::Hub(repo) => repo,
        Source::File(path) => panic!("{}", path.display()),
    }
}

/// A hub with one repository of one file, whose bytes come from `serve`.
fn hub(content: &[u8], mut serve: impl FnMut(&Request) -> Answer + Send + 'static) -> TestServer {
    let list = list(&[("x.gguf", content)]);
    TestServer::new(move |request| match request.path.as_str() {
        "/api/models/o/r?blobs=true" => Answer::ok(list.as_bytes()),
        _ => serve(request),
    })
}

/// A curl; `None` with the reason printed where there is none.
fn curl(token: Option<&str>) -> Option<Curl> {
    let variable = |name: &str| match name {
        "PATH" => std::env::var_os("PATH"),
        "HF_TOKEN" => token.map(OsString::from),
        _ => None,
    };
    let found = Curl::find(variable, &[]).ok();
    if found.is_none() {
        println!("skipped: no curl in PATH");
    }
    found
}

/// A cache, and a store in it that fetches from `server`.
fn store(server: &TestServer) -> Option<(tempfile::TempDir, Store)> {
    let curl = curl(None)?;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), server.url.clone(), Some(curl));
    Some((dir, store))
}

fn part_of(store: &Store) -> PathBuf {
    store.folder(&repo("o/r")).join("x.gguf.part")
}

fn fetch(store: &Store) -> Result<Weights, DownloadError> {
    store.fetch(&repo("o/r"), &mut |_| {})
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_comes_once_and_is_then_used_without_the_network() {
    let content = gguf_file(1, 1 << 20);
    let body = content.clone();
    let server = hub(&content, move |request| Answer::file(&body, request));
    let Some((dir, store)) = store(&server) else { return };
    let mut seen = Vec::new();
    let weights = store.fetch(&repo("o/r"), &mut |p| seen.push(p.clone())).unwrap();
    assert_eq!(fs::read(&weights.parts[0].path).unwrap(), content);
    assert_eq!(weights.header.architecture.as_deref(), Some("llama"));
    assert_eq!(mode(&weights.parts[0].path), 0o644);
    assert_eq!(mode(&store.folder(&repo("o/r"))), 0o755);
    assert_eq!(mode(&dir.path().join("models")), 0o755);
    assert!(!part_of(&store).exists());
    let requests = server.requests();
    // From the commit of the list, so that a push in between does no harm.
    assert_eq!(requests[1].path, format!("/o/r/resolve/{}/x.gguf", "0".repeat(40)));
    assert_eq!(requests.len(), 2);
    let last = seen.last().unwrap();
    assert_eq!(
        (last.step.clone(), last.done, last.total),
        (Step::Fetching, content.len() as u64, content.len() as u64)
    );
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done));
    assert_eq!(fetch(&store).unwrap(), weights);
    assert_eq!(server.requests().len(), 2);
    let offline = Store::new(dir.path(), "http://127.0.0.1:1".into(), None);
    assert_eq!(fetch(&offline).unwrap(), weights);
    assert_eq!(offline.fetch(&repo("o/r:x.gguf"), &mut |_| {}).unwrap(), weights);
    let other = offline.fetch(&repo("o/other"), &mut |_| {}).unwrap_err();
    assert!(matches!(other, DownloadError::Offline(_)), "{other}");
}

#[test]
fn a_part_is_resumed() {
    let content = gguf_file(1, 100_000);
    let body = content.clone();
    let server = hub(&content, move |request| Answer::file(&body, request));
    let Some((_dir, store)) = store(&server) else { return };
    fs::create_dir_all(store.folder(&repo("o/r"))).unwrap();
    fs::write(part_of(&store), &content[..60_000]).unwrap();
    let weights = fetch(&store).unwrap();
    assert_eq!(fs::read(&weights.parts[0].path).unwrap(), content);
    assert_eq!(server.requests()[1].range, Some(60_000));
    // All of it was here: only the hash was left to do.
    fs::rename(&weights.parts[0].path, part_of(&store)).unwrap();
    fetch(&store).unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_part_of_another_file_or_a_server_without_ranges_means_from_the_beginning() {
    let content = gguf_file(1, 100_000);
    for ranges in [true, false] {
        let body = content.clone();
        let server = hub(&content, move |request| match ranges {
            true => Answer::file(&body, request),
            false => Answer::ok(body.clone()),
        });
        for old in [vec![b'x'; 5000], vec![b'x'; content.len()], vec![b'x'; content.len() + 1]] {
            let Some((_dir, store)) = store(&server) else { return };
            fs::create_dir_all(store.folder(&repo("o/r"))).unwrap();
            fs::write(part_of(&store), old).unwrap();
            let weights = fetch(&store).unwrap();
            assert_eq!(fs::read(&weights.parts[0].path).unwrap(), content, "ranges: {ranges}");
        }
    }
}

#[test]
fn a_cut_transfer_is_kept_and_goes_on() {
    let content = gguf_file(1, 100_000);
    let body = content.clone();
    let mut first = true;
    let server = hub(&content, move |request| {
        let mut answer = Answer::file(&body, request);
        if std::mem::take(&mut first) {
            answer.length = Some(answer.body.len());
            answer.body.truncate(40_000);
        }
        answer
    });
    let Some((_dir, store)) = store(&server) else { return };
    let error = fetch(&store).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, DownloadError::Cut { done: 40_000, .. }), "{message}");
    assert!(message.contains("40000 of") && message.contains("run it again"), "{message}");
    assert_eq!(fs::metadata(part_of(&store)).unwrap().len(), 40_000);
    assert_eq!(fs::read(&fetch(&store).unwrap().parts[0].path).unwrap(), content);
    assert_eq!(server.requests().last().unwrap().range, Some(40_000));
}

#[test]
fn what_is_not_the_listed_file_is_removed() {
    let content = gguf_file(1, 1000);
    let mut other = content.clone();
    *other.last_mut().unwrap() ^= 1;
    let page = vec![b'<'; content.len()];
    let longer = [content.clone(), vec![0; 10]].concat();
    for (body, wanted) in
        [(other, "SHA-256"), (page, "a web page"), (longer, "another file than it lists")]
    {
        let server = hub(&content, move |_| Answer::ok(body.clone()));
        let Some((_dir, store)) = store(&server) else { return };
        let message = fetch(&store).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
        assert!(!part_of(&store).exists());
        assert!(store.here(&repo("o/r")).is_none());
    }
}

#[test]
fn refusals_are_explained() {
    for (status, wanted) in [
        (401, "set HF_TOKEN, and accept its licence at https://huggingface.co/o/r"),
        (403, "set HF_TOKEN"),
        (404, "not on the hub"),
        (429, "status 429"),
        (500, "status 500"),
    ] {
        let server = TestServer::new(move |_| Answer::status(status));
        let Some((_dir, store)) = store(&server) else { return };
        let message = fetch(&store).unwrap_err().to_string();
        assert!(message.contains(wanted) && message.lines().count() == 1, "{message}");
    }
    // Nobody there.
    let server = TestServer::new(|_| Answer::status(500));
    let Some((_dir, mut store)) = store(&server) else { return };
    store.endpoint = "http://127.0.0.1:1".into();
    let message = fetch(&store).unwrap_err().to_string();
    assert!(message.starts_with("o/r: ") && message.contains("connect"), "{message}");
    drop(server);
}

#[test]
fn the_token_goes_to_the_hub_and_not_on_to_others() {
    let content = gguf_file(1, 1000);
    let body = content.clone();
    let storage = TestServer::new(move |request| Answer::file(&body, request));
    // Another host by name, as the hub's storage is.
    let elsewhere = storage.url.replace("127.0.0.1", "localhost");
    let server = hub(&content, move |request| Answer {
        status: 302,
        headers: vec![format!("Location: {elsewhere}{}", request.path)],
        ..Answer::default()
    });
    let Some(with_token) = curl(Some("hf_secret")) else { return };
    assert!(!format!("{with_token:?}").contains("secret"));
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), server.url.clone(), Some(with_token));
    assert_eq!(fs::read(&fetch(&store).unwrap().parts[0].path).unwrap(), content);
    for request in server.requests() {
        assert_eq!(request.token.as_deref(), Some("Bearer hf_secret"));
    }
    assert_eq!(storage.requests().len(), 1);
    assert_eq!(storage.requests()[0].token, None);
}

#[test]
fn all_parts_are_fetched_together() {
    let names = ["UD/x-00001-of-00002.gguf", "UD/x-00002-of-00002.gguf"];
    let content = [gguf_file(2, 5000), gguf_file(2, 3000)];
    let files: Vec<(&str, &[u8])> =
        names.iter().copied().zip(content.iter().map(Vec::as_slice)).collect();
    let list = list(&files);
    let bodies = content.clone();
    let server = TestServer::new(move |request| match request.path.as_str() {
        "/api/models/o/r/revision/v1?blobs=true" => Answer::ok(list.as_bytes()),
        path if path.ends_with("UD/x-00001-of-00002.gguf") => Answer::file(&bodies[0], request),
        path if path.ends_with("UD/x-00002-of-00002.gguf") => Answer::file(&bodies[1], request),
        _ => Answer::status(404),
    });
    let Some((dir, store)) = store(&server) else { return };
    let wanted = repo("o/r@v1:UD/x-00002-of-00002.gguf");
    let mut last = 0;
    let weights = store.fetch(&wanted, &mut |p| last = p.done).unwrap();
    assert_eq!(weights.parts.len(), 2);
    assert_eq!(weights.bytes, last);
    assert!(weights.parts[0].path.ends_with("models/o/r@v1/UD/x-00001-of-00002.gguf"));
    // One part is gone: only that one comes again.
    fs::remove_file(&weights.parts[1].path).unwrap();
    let before = server.requests().len();
    store.fetch(&wanted, &mut |_| {}).unwrap();
    assert_eq!(server.requests().len(), before + 2);
    drop(dir);
}

#[test]
fn two_downloads_of_one_repository_wait_for_each_other() {
    let content = gguf_file(1, 1000);
    let body = content.clone();
    let server = hub(&content, move |request| Answer::file(&body, request));
    let Some((_dir, store)) = store(&server) else { return };
    let folder = store.folder(&repo("o/r"));
    fs::create_dir_all(&folder).unwrap();
    let held = Mutex::new(Some(lock(&folder.join(".lock"), || panic!("nobody has it")).unwrap()));
    let mut waited = 0;
    let mut report = |progress: &Progress| {
        if progress.step == Step::Waiting {
            waited += 1;
            // Whoever has it lets go now.
            drop(held.lock().unwrap().take());
        }
    };
    store.fetch(&repo("o/r"), &mut report).unwrap();
    assert_eq!(waited, 1);
}

#[test]
fn room_is_looked_at_before_the_first_byte() {
    // A list may announce terabytes; a disk of this test has less.
    let answer = format!(r#"{{"siblings":[{{"rfilename":"x.gguf","size":{}}}]}}"#, 4u64 << 40);
    let server = TestServer::new(move |request| match request.path.starts_with("/api") {
        true => Answer::ok(answer.as_bytes()),
        false => Answer::status(500),
    });
    let Some((dir, store)) = store(&server) else { return };
    let about = statvfs(dir.path()).unwrap();
    if about.f_bavail.saturating_mul(about.f_frsize) > 4 << 40 {
        println!("skipped: the disk has room for 4 TiB");
        return;
    }
    let error = fetch(&store).unwrap_err();
    assert!(matches!(error, DownloadError::Space { .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn urls_are_escaped() {
    assert_eq!(escaped("a b/c+d[1].gguf"), "a%20b/c%2Bd%5B1%5D.gguf");
}
