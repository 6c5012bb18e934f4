//! Images as files: what pins them, and what is not taken.

use std::{
    env::consts::ARCH,
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use e2e::{assert_refused, lossy, qvm_binary, stdout};

use crate::nix::{Place, small_image, tar};

const FILES: [&str; 2] = ["manifest.json", "root.erofs"];

#[test]
fn what_does_not_match_is_not_taken() {
    let place = Place::without_nix();
    let dir = place.at("made");
    let digest = small_image(&dir, ARCH, &[("root.erofs", &[7; 5000])]);
    let pin = format!("sha256:{digest}");
    let file = place.at("image.tar");
    let import = |digest: &str| {
        place.qvm(&["image", "import", "-q", file.to_str().unwrap(), "--digest", digest])
    };
    let refused = |digest: &str, words: &[&str]| {
        let output = import(digest);
        assert_refused(&output, words);
        assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
        place.assert_intact();
    };

    refused(&pin, &["cannot read", "image.tar"]);
    fs::write(&file, [b'x'; 2000]).unwrap();
    refused(&pin, &["no archive made by `qvm image export`"]);
    refused("sha256:12", &["--digest", "64 lower-case hexadecimal digits"]);
    tar(&file, &dir, &FILES);
    refused(&"0".repeat(64), &[&pin, "another image, or it was altered"]);

    let whole = fs::read(&file).unwrap();
    for length in [100, 700, 3000] {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(import(&pin).status.code(), Some(125), "{length} bytes");
        place.assert_intact();
    }
    let mut altered = whole.clone();
    let at = altered.iter().rposition(|byte| *byte == 7).unwrap();
    altered[at] = 8;
    fs::write(&file, altered).unwrap();
    refused(&pin, &["root.erofs is not what manifest.json says"]);

    fs::write(dir.join("extra"), "x").unwrap();
    tar(&file, &dir, &["manifest.json", "root.erofs", "extra"]);
    refused(&pin, &["\"extra\", which no image has"]);
    let outside = ["-P", "--transform", "s,extra,../../outside,", "manifest.json", "extra"];
    tar(&file, &dir, &outside);
    refused(&pin, &["which no image has"]);
    assert!(!place.at("outside").exists());
    fs::remove_file(dir.join("root.erofs")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("root.erofs")).unwrap();
    tar(&file, &dir, &FILES);
    refused(&pin, &["no regular file"]);

    let other = small_image(&place.at("other"), "vax", &[("root.erofs", b"x")]);
    tar(&file, &place.at("other"), &FILES);
    refused(&other, &["for vax", ARCH]);

    // After all that the right one is.
    fs::write(&file, whole).unwrap();
    assert_eq!(stdout(&import(&pin)), format!("{digest}\n"));
    stdout(&place.qvm(&["image", "verify", &digest]));
}

#[test]
fn two_at_once_are_one() {
    let place = Place::without_nix();
    let dir = place.at("made");
    let digest = small_image(&dir, ARCH, &[("root.erofs", &[7; 3_000_000])]);
    let file = place.at("image.tar");
    tar(&file, &dir, &FILES);
    let start = || {
        let mut command = Command::new(qvm_binary());
        command.args([
            "image",
            "import",
            file.to_str().unwrap(),
            "--digest",
            &digest,
            "--name",
            "x",
        ]);
        place
            .environment(&mut command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    for child in [start(), start(), start()] {
        assert_eq!(stdout(&child.wait_with_output().unwrap()), format!("{digest}\n"));
    }
    let listed = stdout(&place.qvm(&["image", "ls", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let images = listed["images"].as_array().unwrap();
    let named: Vec<_> = images.iter().filter(|image| image["name"] == "x").collect();
    assert_eq!((images.len(), named.len()), (2, 1));
    assert_eq!(named[0]["digest"], digest);
    // It cannot be made again, so it stays until it is removed by its name.
    stdout(&place.qvm(&["image", "prune"]));
    stdout(&place.qvm(&["image", "rm", "x"]));
    place.assert_intact();
}

#[test]
fn an_image_is_fetched_by_its_address() {
    let place = Place::without_nix();
    let dir = place.at("made");
    let digest = small_image(&dir, ARCH, &[("root.erofs", &[7; 100_000])]);
    let file = place.at("image.tar");
    tar(&file, &dir, &FILES);
    let whole = fs::read(file).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for (status, announced, body) in [
            ("404 Not Found", 0, &[][..]),
            ("200 OK", whole.len(), &whole[..50_000]),
            ("200 OK", whole.len(), &whole[..]),
        ] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            assert!(!lossy(&request[..length]).contains("Authorization"));
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        }
    });
    let url = format!("http://{address}/image.tar");
    let import = || {
        let mut command = Command::new(qvm_binary());
        command.args(["image", "import", "-q", &url, "--digest", &digest]);
        place
            .environment(&mut command)
            .env("HF_TOKEN", "hf_x")
            .env_remove("http_proxy")
            .output()
            .unwrap()
    };
    assert_refused(&import(), &["cannot fetch the image", "404"]);
    place.assert_intact();
    assert_eq!(import().status.code(), Some(125));
    place.assert_intact();
    assert_eq!(stdout(&import()), format!("{digest}\n"));
    server.join().unwrap();
}
