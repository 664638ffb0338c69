//! Why a connection ends, and how the other side is told.
//!
//! | why | code |
//! |---|---|
//! | it left, or its connection broke | – |
//! | it answers no pings, or takes nothing of what is sent | –: it would not take this either |
//! | the node stops | 1001, going away |
//! | no WebSocket (RFC 6455), no UTF-8 | 1002, protocol error |
//! | a subscription fell behind, or no message is a request | 1008, policy violation |
//! | a message too large | 1009, message too big |
//! | the node cannot go on with a subscription | 1011, internal error |
//!
//! Source of the codes: RFC 6455, 7.4.1.

use std::time::Duration;

use futures::SinkExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frames::Frames;
use crate::error::RpcRejected;

/// How long the other side may take to hear why the connection ends.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// Bytes of a reason in a close frame: a control frame has 125, of which the code takes two.
const REASON_BYTES_MAX: usize = 123;

/// A connection.
pub type Socket = WebSocketStream<Frames<TokioIo<Upgraded>>>;

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closing {
    /// The other side closed it.
    #[error("it was closed")]
    Left,
    /// It is broken.
    #[error("the connection broke")]
    Broken,
    /// Nobody answers pings.
    #[error("no sign of life for too long")]
    Silent,
    /// What is sent is not taken in time.
    #[error("reads too slowly")]
    Stalled,
    /// The node stops.
    #[error("the node is stopping; ask another one")]
    Stopping,
    /// What comes is no WebSocket.
    #[error("{0}")]
    Malformed(String),
    /// Messages came one after the other, and in none was a request.
    #[error("{messages} messages one after the other were no requests; send JSON-RPC 2.0")]
    NoRequests {
        /// How many.
        messages: u32,
    },
    /// A message that is too large.
    #[error("a message has {most} bytes at most")]
    TooLarge {
        /// Bytes of the largest.
        most: u32,
    },
    /// A subscription to blocks was not read as fast as they come.
    #[error("reads too slowly: a subscription is {blocks} blocks behind, {most} are allowed; subscribe again")]
    Behind {
        /// Blocks that were not taken yet.
        blocks: u64,
        /// As many as may wait.
        most: u64,
    },
    /// A subscription to transactions was not read as fast as they come.
    #[error("reads too slowly: a subscription missed {transactions} transactions; subscribe again")]
    Missed {
        /// Transactions that are not remembered any more.
        transactions: u64,
    },
    /// A subscription cannot go on.
    #[error("{0}")]
    Unable(RpcRejected),
}

impl Closing {
    /// Whether the other side was too slow.
    pub const fn is_slow_reader(&self) -> bool {
        matches!(self, Self::Stalled | Self::Behind { .. } | Self::Missed { .. })
    }

    const fn code(&self) -> Option<CloseCode> {
        match self {
            Self::Left | Self::Broken | Self::Silent | Self::Stalled => None,
            Self::Stopping => Some(CloseCode::Away),
            Self::Malformed(_) => Some(CloseCode::Protocol),
            Self::Behind { .. } | Self::Missed { .. } | Self::NoRequests { .. } => Some(CloseCode::Policy),
            Self::TooLarge { .. } => Some(CloseCode::Size),
            Self::Unable(_) => Some(CloseCode::Error),
        }
    }

    /// Ends a connection.
    pub async fn end(&self, mut socket: Socket) {
        let frame = self.code().map(|code| CloseFrame { code, reason: self.reason().into() });
        if frame.is_none() && *self != Self::Left {
            return;
        }
        let goodbye = async {
            let told = match frame {
                Some(frame) => socket.close(Some(frame)).await,
                // The answer to theirs is ready.
                None => socket.flush().await,
            };
            if told.is_ok() {
                hang_up(socket.into_inner().into_inner()).await;
            }
        };
        // Who does not listen to the end has no claim to it.
        let _ = tokio::time::timeout(GOODBYE_MAX, goodbye).await;
    }

    fn reason(&self) -> String {
        let mut reason = self.to_string();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        reason
    }
}

/// Reads what is still on its way, until the other side hangs up too: closing a socket with unread bytes in it would take back what was sent.
async fn hang_up(mut connection: TokioIo<Upgraded>) {
    let mut unread = [0; 4_096];
    if connection.shutdown().await.is_ok() {
        while connection.read(&mut unread).await.is_ok_and(|bytes| bytes > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_its_frame() {
        for (sentence, reason) in [("a".repeat(123), "a".repeat(123)), ("é".repeat(90), "é".repeat(61))] {
            assert_eq!(Closing::Malformed(sentence).reason(), reason);
        }
    }
}
