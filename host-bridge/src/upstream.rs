//! One exchange with the model server, on a connection of its own.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection};
use hyper::http::{request, response};
use hyper::{Request, StatusCode};
use tokio::net::UnixStream;

use crate::io::{Io, Signals};
use crate::outgoing::{Cut, Parts};
use crate::reply::Problem;

/// Buffers of a connection, each way; also the longest head.
const MAX_BUFFER: usize = 64 << 10;

/// A response whose body is still to come. Dropping it closes the connection, and the server
/// stops generating.
pub(crate) struct Response {
    pub head: response::Parts,
    body: Incoming,
    connection: Option<Pin<Box<Connection<Io, Parts>>>>,
}

/// Sends a request and waits for the response's head, however long that takes.
///
/// # Errors
/// The server closed the connection, or does not speak HTTP.
pub(crate) async fn send(
    stream: UnixStream,
    head: &request::Parts,
    body: Parts,
) -> Result<Response, Problem> {
    let lost = |_| {
        let message = "the model server closed the connection without an answer";
        Problem::new(StatusCode::BAD_GATEWAY, message)
    };
    let io = Io::new(stream, Rc::new(Signals::default()));
    let mut builder = Builder::new();
    builder.max_buf_size(MAX_BUFFER);
    let (mut sender, connection) = builder.handshake(io).await.map_err(lost)?;
    let mut connection = Some(Box::pin(connection));
    let mut response = Box::pin(sender.send_request(Request::from_parts(head.clone(), body)));
    let response = poll_fn(|cx| {
        if let Some(running) = &mut connection {
            if running.as_mut().poll(cx).is_ready() {
                connection = None;
            }
        }
        response.as_mut().poll(cx)
    });
    let (head, body) = response.await.map_err(lost)?.into_parts();
    Ok(Response { head, body, connection })
}

impl Response {
    /// The next piece of the body as it comes; none at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        loop {
            let frame = poll_fn(|cx| {
                if let Some(running) = &mut self.connection {
                    if running.as_mut().poll(cx).is_ready() {
                        self.connection = None;
                    }
                }
                Pin::new(&mut self.body).poll_frame(cx)
            });
            match frame.await {
                None => return Ok(None),
                Some(Err(_)) => return Err(Cut),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
            }
        }
    }

    /// The whole body, if it has at most `limit` bytes.
    pub(crate) async fn whole(&mut self, limit: usize) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await.ok()? {
            if whole.len() + piece.len() > limit {
                return None;
            }
            whole.extend_from_slice(&piece);
        }
        Some(whole)
    }
}
