//! The application's answer to a message: forward it, refuse it, or let it go.
//!
//! A message travels on only after an answer, so bad data stops at the first honest node. The answer goes back to the network
//! task through a channel with one place for each message that may be outstanding, so giving it never waits and never fails.

use libp2p::PeerId;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use tokio::sync::mpsc;

/// The duty to judge one message. Dropped, it lets the message go.
#[derive(Debug)]
pub struct Token {
    /// Of the message, in memory.
    bytes: usize,
    /// `None` once the verdict was given.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    message: MessageId,
    sender: PeerId,
    verdicts: mpsc::Sender<Verdict>,
}

/// A verdict on its way to the network task.
#[derive(Debug)]
pub struct Verdict {
    /// Of the message, which wait no longer.
    pub bytes: usize,
    pub message: MessageId,
    pub sender: PeerId,
    pub acceptance: MessageAcceptance,
}

impl Token {
    pub(crate) const fn new(bytes: usize, message: MessageId, sender: PeerId, verdicts: mpsc::Sender<Verdict>) -> Self {
        Self { bytes, open: Some(Open { message, sender, verdicts }) }
    }

    /// The message is good: it is forwarded. Within about 5 s of its arrival; later ones are not forwarded any more.
    pub fn accept(mut self) {
        self.give(MessageAcceptance::Accept);
    }

    /// No honest node would have sent it: it is not forwarded, and the sender's score falls. A peer that goes on is soon not
    /// listened to. Only for what every node judges alike, such as a bad signature; not for what depends on this node's state.
    pub fn reject(mut self) {
        self.give(MessageAcceptance::Reject);
    }

    /// Neither: known already, not of use now, or no room for it. It is not forwarded and nobody is blamed.
    pub fn ignore(mut self) {
        self.give(MessageAcceptance::Ignore);
    }

    fn give(&mut self, acceptance: MessageAcceptance) {
        if let Some(Open { message, sender, verdicts }) = self.open.take() {
            // Never full, as above; closed when gossip has stopped, and then there is no one to forward to.
            let _ = verdicts.try_send(Verdict { bytes: self.bytes, message, sender, acceptance });
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.give(MessageAcceptance::Ignore);
    }
}
