use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
};

use super::*;
use crate::processes::until;

/// Sends a request as a client that then waits for the end of the connection.
fn ask(server: &Scripted, target: &str, body: &Value) -> TcpStream {
    let mut to = TcpStream::connect(server.upstream().strip_prefix("http://").unwrap()).unwrap();
    let body = body.to_string();
    let head = format!("POST {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    to.write_all((head + &body).as_bytes()).unwrap();
    to
}

/// The lines of an answer in events, up to its end.
fn lines(answer: TcpStream) -> Vec<String> {
    let lines = BufReader::new(answer).lines().map_while(Result::ok);
    lines.take_while(|line| line != "0").collect()
}

fn kinds(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("event: ")).collect()
}

#[test]
fn a_text_in_each_dialect() {
    let server = Scripted::on_loopback(|_| Turn::say("two words"));
    for (path, end) in [
        ("/v1/messages?beta=true", "message_stop"),
        ("/v1/chat/completions", "[DONE]"),
        ("/v1/responses", "response.completed"),
    ] {
        let all = lines(ask(&server, path, &json!({"stream": true})));
        for word in ["two ", "words", end] {
            assert!(all.iter().any(|line| line.contains(word)), "{word} is not in {all:?}");
        }
    }
    assert_eq!(server.prompts().len(), 3);
    assert_eq!(server.requests()[0].path(), "/v1/messages");
    assert_eq!(server.given_up(), 0);
}

#[test]
fn a_tool_is_called() {
    let server = Scripted::on_loopback(|_| Turn::call("Bash", json!({"command": "ls"})));
    let all = lines(ask(&server, "/v1/messages", &json!({"stream": true})));
    assert_eq!(
        kinds(&all),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert!(all.iter().any(|line| line.contains(r#""stop_reason":"tool_use""#)), "{all:?}");
    assert!(all.iter().any(|line| line.contains(r#""partial_json":"{\"command\":\"ls\"}""#)));
}

#[test]
fn whole_on_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.sock");
    let server = Scripted::on_socket(&path, |_| Turn::say("hello"));
    assert_eq!(server.upstream(), format!("unix:{}", path.display()));
    let mut to = std::os::unix::net::UnixStream::connect(&path).unwrap();
    to.write_all(
        b"POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
    .unwrap();
    to.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    to.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""text":"hello""#), "{answer}");
    assert_eq!(server.requests()[0].text, "{}");
}

#[test]
fn it_breaks_in_the_middle() {
    let server = Scripted::on_loopback(|_| Turn::Break("half".into()));
    let all = lines(ask(&server, "/v1/messages", &json!({"stream": true})));
    assert!(all.iter().any(|line| line.contains("half")), "{all:?}");
    assert!(!kinds(&all).contains(&"message_stop"), "{all:?}");
}

#[test]
fn it_notices_who_leaves() {
    let server = Scripted::on_loopback(|_| Turn::Endless);
    let mut client = BufReader::new(ask(&server, "/v1/messages", &json!({"stream": true})));
    let mut line = String::new();
    while !line.contains("and ") {
        line.clear();
        client.read_line(&mut line).unwrap();
    }
    assert_eq!(server.given_up(), 0);
    drop(client);
    until("the server notices", || (server.given_up() == 1).then_some(()));
}
