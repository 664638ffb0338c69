//! How long the other side of a connection may take for what is on its way: `stalled_max`, and a second more for each 64 KiB.
//!
//! | on its way | begins | ends |
//! |---|---|---|
//! | a request's body | when some of it is waited for | with the body |
//! | what is sent: answers, notifications | when the socket takes no more | when it has taken all there is |
//!
//! So a connection is held by who makes use of it. Who sends nothing at all is the server's to look after: `connection`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use jsonrpsee::core::BoxError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes in a second: who is slower than that is as good as gone.
const PACE_MIN: u64 = 64 << 10;

/// It took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stalled: more than {} s, and a second for each 64 KiB", stalled_max.as_secs())]
pub struct Stalled {
    stalled_max: Duration,
}

/// The clock of one thing on its way. It runs while that is waited for.
#[derive(Debug)]
struct Pacing {
    stalled_max: Duration,
    begun: Option<Instant>,
    bytes: u64,
    /// Made when something is waited for the first time, which is seldom.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pacing {
    const fn new(stalled_max: Duration) -> Self {
        Self { stalled_max, begun: None, bytes: 0, alarm: None }
    }

    /// So many more bytes of it came through. What came through before anybody waited earns no time.
    fn went(&mut self, bytes: usize) {
        if self.begun.is_some() {
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Nothing is on its way any more.
    const fn done(&mut self) {
        self.begun = None;
        self.bytes = 0;
    }

    /// It is waited for now; when that takes too long. Never, where that is further off than any clock goes.
    fn end(&mut self, now: Instant) -> Option<Instant> {
        let begun = *self.begun.get_or_insert(now);
        begun.checked_add(self.stalled_max.saturating_add(Duration::from_secs(self.bytes / PACE_MIN)))
    }

    /// It is waited for. Ready when that took too long; until then the task is woken at that time.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<Stalled> {
        let Some(end) = self.end(Instant::now()) else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if alarm.deadline() != end {
            alarm.as_mut().reset(end);
        }
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Stalled { stalled_max: self.stalled_max })
    }
}

/// A connection on which what is sent must be taken in time; else it breaks, with [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub struct PacedSocket {
    socket: TcpStream,
    sent: Pacing,
}

impl PacedSocket {
    /// `socket`, on which what is sent may stall for `stalled_max`.
    pub const fn new(socket: TcpStream, stalled_max: Duration) -> Self {
        Self { socket, sent: Pacing::new(stalled_max) }
    }

    fn paced(&mut self, taken: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match taken {
            Poll::Ready(taken) => Poll::Ready(taken.inspect(|bytes| self.sent.went(*bytes))),
            Poll::Pending => {
                let stalled = ready!(self.sent.poll_stalled(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, stalled)))
            }
        }
    }
}

impl AsyncRead for PacedSocket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, into)
    }
}

impl AsyncWrite for PacedSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.paced(taken, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.paced(taken, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// Writers flush once they have written all.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        self.sent.done();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// A request's body, which must come in time; else it ends with [`Stalled`].
#[derive(Debug)]
pub struct PacedBody {
    body: Incoming,
    come: Pacing,
}

impl PacedBody {
    /// `body`, which may stall for `stalled_max`.
    pub const fn new(body: Incoming, stalled_max: Duration) -> Self {
        Self { body, come: Pacing::new(stalled_max) }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.come.went(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => Poll::Ready(ended.map(|frame| frame.map_err(BoxError::from))),
            Poll::Pending => {
                let stalled = ready!(self.come.poll_stalled(context));
                Poll::Ready(Some(Err(stalled.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_through_earns_time_and_what_is_done_starts_anew() {
        let s = Duration::from_secs;
        let (mut pacing, start) = (Pacing::new(s(30)), Instant::now());
        pacing.went(10 * (64 << 10));
        assert_eq!(pacing.end(start), Some(start + s(30)), "nobody waited before");
        pacing.went(10 * (64 << 10));
        assert_eq!(pacing.end(start + s(7)), Some(start + s(40)), "from the beginning on");
        pacing.done();
        assert_eq!(pacing.end(start + s(50)), Some(start + s(80)));
        assert_eq!(Pacing::new(Duration::MAX).end(start), None);
    }
}
