#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;

/// Repeatable numbers (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Bodies with everything that is looked at.
const BODIES: [&str; 5] = [
    r#"{"model":"a","stream":true,"messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,x"}}]},{"role":"developer","content":[{"type":"text","text":"b"}]}]}"#,
    r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: a"},{"type":"text","text":"s"}],"messages":[{"role":"system","content":"x-anthropic-billing-header: a\nb"},{"role":"user","content":[{"type":"tool_use","input":{"image_url":"http://x"}},{"type":"image","source":{"type":"base64","data":"A"}}]}],"tools":[{"source":{"type":"url"}}]}"#,
    r#"{"instructions":"i","input":[{"role":"developer","content":[{"type":"input_text","text":"a"}]},{"type":"function_call_output","output":"x"},{"role":"user","content":[{"type":"input_image","image_url":"data:,"}]}]}"#,
    r#"{"prompt":"\u00e9\n","n_predict":-1,"x":[1e5,null,{"a":{"b":[]}}],"input_audio":{"data":"AAAA"}}"#,
    r#"{"messages":[7,{"role":"user","content":"http://x"},{"role":"system"},{"role":"system","content":null}],"system":null}"#,
];

/// Pieces that mutations put in.
const PIECES: [&str; 24] = [
    "\"role\":\"system\",",
    "\"type\":\"url\",",
    "\"url\":\"http://x\",",
    "{\"image_url\":\"http://x\"},",
    "\"source\":{\"type\":\"file\"},",
    "\"model\":",
    "\\u0075",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "null",
    "\u{e9}",
    "1e999",
    "\n",
    "x-anthropic-billing-header:",
    "\"content\":",
    "data:",
    "\"input\":",
    "true",
];

/// Pieces of requests.
const LINES: [&str; 20] = [
    "\r\n",
    "\r\n\r\n",
    "\n",
    "GET /slots HTTP/1.1\r\n",
    "POST /tokenize HTTP/1.1\r\n",
    "HTTP/1.0",
    "Content-Length: 2\r\n",
    "Content-Length: 99999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: websocket\r\n",
    "0\r\n\r\n",
    "2\r\n{}\r\n",
    "Authorization: x\r\n",
    " folded\r\n",
    "?q=/slots",
    "/../slots",
    "%2e",
    "{}",
];

/// Pieces of answers.
const ANSWER_LINES: [&str; 12] = [
    "\r\n",
    "\n\n",
    "data: ",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\n",
    "HTTP/1.1 302 Found\r\n",
    "Content-Type: text/event-stream\r\n",
    "Content-Length: 99999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "ffffffffffffffff\r\n",
    "Connection: close\r\n",
    "{\"error\":{\"message\":\"Loading model\"}}",
];

fn mutated(base: &str, pieces: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bytes = base.as_bytes().to_vec();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => {
                let piece = pieces[random.below(pieces.len())];
                bytes.splice(at..at, piece.bytes());
            }
            1 => {
                let end = (at + random.below(12)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 if at < bytes.len() => bytes[at] = random.next() as u8,
            _ => {
                let end = (at + random.below(60)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
        }
    }
    bytes
}

#[test]
fn rewriting_keeps_its_promises_whatever_comes() {
    let mut random = Random(0x0dd_ba11);
    let mut accepted = 0;
    for round in 0..40_000 {
        let mut data = vec![random.next() as u8];
        data.extend(mutated(BODIES[round % BODIES.len()], &PIECES, &mut random));
        accepted += usize::from(rewrite(&data[1..], Fold::Chat).is_ok());
        fuzz_rewrite(&data);
    }
    assert!(accepted > 1000, "only {accepted} bodies were rewritten at all");
}

#[test]
fn any_guest_reaches_only_what_is_offered() {
    let mut random = Random(0xbad_c0de);
    for round in 0..300 {
        let endpoint = ENDPOINTS[random.below(ENDPOINTS.len())];
        let body = BODIES[round % BODIES.len()];
        let method = if endpoint.reads() { "GET" } else { "POST" };
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: x\r\nCookie: x\r\nContent-Length: {}\r\n\r\n{body}",
            endpoint.path,
            body.len()
        );
        let mut data = vec![random.next() as u8];
        data.extend(mutated(&request, &LINES, &mut random));
        fuzz_http(&data);
    }
}

#[test]
fn any_answer_of_the_server_is_survived() {
    let mut random = Random(0xa45e);
    for round in 0..300 {
        let answer = ANSWERS[round % ANSWERS.len()];
        let mut data = vec![random.next() as u8];
        data.extend(mutated(answer, &ANSWER_LINES, &mut random));
        fuzz_answer(&data);
    }
}

#[test]
fn a_plain_request_reaches_the_server() {
    let server = Arc::new(Canned::default());
    let body = BODIES[0];
    let request =
        format!("POST /tokenize HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    converse(1, request.as_bytes(), Arc::clone(&server)).unwrap();
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    check_request(&requests[0]);
}

#[test]
#[should_panic(expected = "not offered")]
fn what_is_not_offered_would_be_noticed() {
    check_request(b"GET /slots HTTP/1.1\r\n\r\n");
}
