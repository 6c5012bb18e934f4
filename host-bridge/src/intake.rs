//! Request bodies: read within bounds of size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Buf;
use hyper::StatusCode;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::io::Signals;
use crate::limits::Limits;
use crate::reply::Problem;

/// Memory is counted in these.
const UNIT: usize = 1 << 10;
/// What a rewritten body may be longer without asking again, in units.
const SLACK: usize = 64;
/// Most bytes that are thrown away so that a client gets to read why it is refused.
const MAX_DRAIN: usize = 256 << 20;

/// Memory for request bodies.
pub(crate) struct Memory {
    free: Arc<Semaphore>,
    units: usize,
}

/// Some of it, given back when dropped.
pub(crate) struct Place(OwnedSemaphorePermit);

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Self {
        let units = (limits.memory / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units }
    }

    fn units(&self, bytes: usize) -> u32 {
        let units = (bytes / UNIT + SLACK).min(self.units);
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    async fn take(&self, bytes: usize) -> Option<Place> {
        self.free.clone().acquire_many_owned(self.units(bytes)).await.ok().map(Place)
    }

    /// Makes a place as large as `bytes`, without waiting.
    pub(crate) fn fit(&self, place: &mut Place, bytes: usize) -> Result<(), Problem> {
        let wanted = self.units(bytes) as usize;
        let has = place.0.num_permits();
        if wanted > has {
            let more = u32::try_from(wanted - has).unwrap_or(u32::MAX);
            let more = self.free.clone().try_acquire_many_owned(more).map_err(|_| full())?;
            place.0.merge(more);
        } else {
            drop(place.0.split(has - wanted));
        }
        Ok(())
    }
}

fn full() -> Problem {
    let message = "too many large requests at the same time; try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Reads a request's body.
///
/// # Errors
/// It is too long, too slow, cut off, or there is no memory for it in time.
pub(crate) async fn read(
    head: &Parts,
    mut body: Incoming,
    limits: &Limits,
    memory: &Memory,
    signals: &Signals,
) -> Result<(Vec<u8>, Place), Problem> {
    let deadline = Instant::now() + limits.upload;
    let claimed = body.size_hint().exact().map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    if claimed.is_some_and(|n| n > limits.body) {
        drain(head, body, limits, signals).await;
        return Err(too_long(limits));
    }
    // Without a length, room for the longest: two that each wait for more would wait for ever.
    let room = claimed.unwrap_or(limits.body);
    let place = timeout_at(deadline, memory.take(room)).await.ok().flatten();
    let mut place = place.ok_or_else(full)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(room).map_err(|_| full())?;
    loop {
        let late = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's body is too slow");
        let Some(frame) = timeout_at(deadline, next(&mut body, signals)).await.map_err(late)?
        else {
            break;
        };
        let cut = || Problem::bad("the request's body is cut off");
        let frame = frame.ok_or_else(cut)?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.remaining() > limits.body {
            drop(bytes);
            drain(head, body, limits, signals).await;
            return Err(too_long(limits));
        }
        bytes.extend_from_slice(&data);
    }
    if claimed.is_none() {
        bytes.shrink_to_fit();
        memory.fit(&mut place, bytes.len())?;
    }
    Ok((bytes, place))
}

fn too_long(limits: &Limits) -> Problem {
    let message = format!("the request's body is longer than {} bytes", limits.body);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// The next piece: none at the end, `Some(None)` if the body is cut off.
async fn next(body: &mut Incoming, signals: &Signals) -> Option<Option<Frame<bytes::Bytes>>> {
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(frame.map(Result::ok)),
        // Nothing more will come.
        Poll::Pending if signals.ended.get() => Poll::Ready(Some(None)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Reads a body that nobody wants, so that its sender is free to read the response. One that was
/// only announced is not asked for.
pub(crate) async fn drain(head: &Parts, mut body: Incoming, limits: &Limits, signals: &Signals) {
    if head.headers.contains_key(EXPECT) {
        return;
    }
    let read = async {
        let mut left = MAX_DRAIN;
        while let Some(Some(frame)) = next(&mut body, signals).await {
            let length = frame.data_ref().map_or(0, Buf::remaining);
            if length >= left {
                break;
            }
            left -= length;
        }
    };
    let _ = timeout(limits.head, read).await;
}
