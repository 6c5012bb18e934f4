//! A hub for tests: answers on the loopback, one connection a request.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub range: Option<u64>,
    pub token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
    /// Announced length, where it is not that of the body.
    pub length: Option<usize>,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A file, from where the request wants it.
    pub fn file(content: &[u8], request: &Request) -> Self {
        match request.range.map(|at| usize::try_from(at).unwrap_or(usize::MAX)) {
            Some(at) if at < content.len() => Self {
                status: 206,
                headers: vec![format!(
                    "Content-Range: bytes {at}-{}/{}",
                    content.len() - 1,
                    content.len()
                )],
                body: content[at..].to_vec(),
                length: None,
            },
            Some(_) => Self::status(416),
            None => Self::ok(content),
        }
    }
}

type Handler = dyn FnMut(&Request) -> Answer + Send;

/// Serves until dropped.
pub struct TestServer {
    pub url: String,
    address: std::net::SocketAddr,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn new(handler: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, log) = (Arc::clone(&stop), Arc::clone(&seen));
        let mut handler: Box<Handler> = Box::new(handler);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // A client that leaves early ends its own connection only.
                let _ = serve(stream, &mut handler, &log);
            }
        });
        let url = format!("http://{address}");
        Self { url, address, stop, seen, thread: Some(thread) }
    }

    /// What was asked for.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("no test thread panics with it").clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    handler: &mut Box<Handler>,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut lines = BufReader::new((&stream).take(64 << 10)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request { path, range: None, token: None };
    for line in lines {
        let line = line?;
        match line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value)) {
            Some((name, value)) if name == "range" => {
                let at = value.trim_start_matches("bytes=").trim_end_matches('-').parse();
                request.range = at.ok();
            }
            Some((name, value)) if name == "authorization" => request.token = Some(value.into()),
            Some(_) => {}
            None => break,
        }
    }
    log.lock().expect("no test thread panics with it").push(request.clone());
    let answer = handler(&request);
    let length = answer.length.unwrap_or(answer.body.len());
    let mut head = format!(
        "HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {length}\r\n",
        answer.status
    );
    for header in answer.headers {
        head.push_str(&format!("{header}\r\n"));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body)
}
