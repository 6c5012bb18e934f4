//! Bodies of responses to the guest.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::log::Record;

/// The response cannot be completed; the connection is cut, so that the client notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model server closed the connection")
    }
}

impl std::error::Error for Cut {}

/// Where a body's pieces go.
pub(crate) type Pieces = mpsc::Sender<Bytes>;

/// A body, with its line in the log.
pub(crate) struct Outgoing {
    content: Content,
    record: Option<Record>,
}

enum Content {
    Ready(Bytes),
    /// Made by a future that runs whenever the connection does, and ends with it: dropping the
    /// body closes the connection to the server.
    Driven {
        driver: Pin<Box<dyn Future<Output = Result<(), Cut>>>>,
        pieces: mpsc::Receiver<Bytes>,
    },
    Ended(Result<(), Cut>),
}

impl Outgoing {
    pub(crate) fn ready(bytes: Bytes) -> Self {
        Self { content: Content::Ready(bytes), record: None }
    }

    /// A body whose pieces are sent by the future that `driver` makes.
    pub(crate) fn driven<F>(driver: impl FnOnce(Pieces) -> F) -> Self
    where
        F: Future<Output = Result<(), Cut>> + 'static,
    {
        let (sender, pieces) = mpsc::channel(1);
        let driver = Box::pin(driver(sender));
        Self { content: Content::Driven { driver, pieces }, record: None }
    }

    /// Counts for the log. `whole` says that the body will not be asked for (HEAD).
    pub(crate) fn record(&mut self, mut record: Record, whole: bool) {
        if whole || self.is_end_stream() {
            record.finish();
        }
        self.record = Some(record);
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if let Content::Driven { driver, pieces } = &mut self.content {
            if let Ok(piece) = pieces.try_recv() {
                return Poll::Ready(Some(Ok(piece)));
            }
            let ended = driver.as_mut().poll(cx);
            if let Ok(piece) = pieces.try_recv() {
                if let Poll::Ready(end) = ended {
                    self.content = Content::Ended(end);
                }
                return Poll::Ready(Some(Ok(piece)));
            }
            match ended {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(end) => self.content = Content::Ended(end),
            }
        }
        match std::mem::replace(&mut self.content, Content::Ended(Ok(()))) {
            Content::Ready(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(bytes))),
            Content::Ended(Err(cut)) => Poll::Ready(Some(Err(cut))),
            _ => Poll::Ready(None),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let content = std::task::ready!(self.poll_content(cx));
        let ended = self.is_end_stream();
        if let Some(record) = &mut self.record {
            if let Some(Ok(piece)) = &content {
                record.count(piece.len());
            }
            if content.is_none() || (ended && !matches!(content, Some(Err(_)))) {
                record.finish();
            }
        }
        Poll::Ready(content.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Ready(bytes) => bytes.is_empty(),
            Content::Driven { .. } => false,
            Content::Ended(end) => end.is_ok(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Ready(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Driven { .. } | Content::Ended(_) => SizeHint::default(),
        }
    }
}

/// A request's body for the server: a few pieces, one after the other.
pub(crate) struct Parts(pub std::collections::VecDeque<Bytes>);

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}
