//! The wire by which any hand stops the node: what cannot be repaired while it runs ends the process, once, with its cause.
//!
//! ```text
//! RPC reads ──┐
//! gossip  ────┼─▶ Halt::because ─▶ Halted::wait ─▶ `run` stops everything in order and exits with the cause
//! commits ────┤
//! timers  ────┘
//! ```
//!
//! What consensus itself asks of the application has a way of its own: an error ends the engine.

use std::error::Error;

use tokio::sync::mpsc;

/// What a fault is carried in.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Stops the node. Cheap to clone; one for each hand.
#[derive(Clone, Debug)]
pub struct Halt(mpsc::Sender<Cause>);

/// Waits for the first cause.
#[derive(Debug)]
pub struct Halted {
    causes: mpsc::Receiver<Cause>,
    /// Without a sender of its own, `causes` would end once no hand is left, and that is no cause.
    _open: mpsc::Sender<Cause>,
}

/// Both ends.
#[must_use]
pub fn wire() -> (Halt, Halted) {
    // One cause stops the node; those that come while it stops are the same fault seen again.
    let (sender, causes) = mpsc::channel(1);
    (Halt(sender.clone()), Halted { causes, _open: sender })
}

impl Halt {
    /// The node stops because of this. Returns at once; the caller gives its own caller a last answer.
    pub fn because(&self, cause: impl Into<Cause>) {
        let _first_or_later = self.0.try_send(cause.into());
    }
}

impl Halted {
    /// The first cause, if there is one by now: what a hand met while the node was stopping.
    pub fn met(&mut self) -> Option<Cause> {
        self.causes.try_recv().ok()
    }

    /// The first cause, once there is one.
    pub async fn wait(&mut self) -> Cause {
        self.causes.recv().await.expect("a sender is kept beside the receiver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_cause_stops_and_later_ones_are_not_waited_for() {
        let (halt, mut halted) = wire();
        assert!(halted.met().is_none());
        for cause in ["disk", "disk again"] {
            halt.clone().because(cause);
        }
        drop(halt);
        assert_eq!(halted.wait().await.to_string(), "disk");
        assert!(halted.met().is_none(), "it was told once");
    }
}
