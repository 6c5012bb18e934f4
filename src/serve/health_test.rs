#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn replies_are_taken_apart() {
    let reply = parse(b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\n{\"a\":1}").unwrap();
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json().unwrap()["a"], 1);
    assert_eq!(health(&reply), Health::Loading);
    for bad in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
    }
}

#[test]
fn the_context_is_where_servers_put_it() {
    let new = serde_json::json!({"default_generation_settings": {"n_ctx": 8192}});
    let old = serde_json::json!({"n_ctx": 4096});
    assert_eq!(context(&new), Some(8192));
    assert_eq!(context(&old), Some(4096));
    assert_eq!(context(&serde_json::json!({"n_ctx": -1})), None);
}

#[test]
fn a_server_is_asked_over_its_socket() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let mut stream = theirs;
        let mut request = [0; 1024];
        let count = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n{}").unwrap();
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    let reply = ask(Stream::Unix(ours), "/health", Some(&messages_probe())).unwrap();
    assert_eq!(health(&reply), Health::Well);
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /health HTTP/1.0\r\n"), "{request}");
    assert!(request.contains("Content-Length: "), "{request}");
}
