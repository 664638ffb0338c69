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
use std::thread;

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

    /// Whoever holds this stops the node by a panic: it may be long until somebody waits for the thread.
    #[must_use]
    pub fn on_panic(&self, cause: impl Into<Cause>) -> OnPanic {
        OnPanic { halt: self.clone(), cause: Some(cause.into()) }
    }
}

/// Stops the node when the thread that drops it panics.
#[derive(Debug)]
pub struct OnPanic {
    halt: Halt,
    cause: Option<Cause>,
}

impl Drop for OnPanic {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(cause) = self.cause.take()
        {
            self.halt.because(cause);
        }
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

    #[test]
    fn a_thread_that_panics_stops_the_node_and_one_that_ends_does_not() {
        let (halt, mut halted) = wire();
        let watched = |work: fn()| {
            let watch = halt.on_panic("a thread is gone");
            let thread = thread::spawn(move || {
                let _watch = watch;
                work();
            });
            drop(thread.join());
        };
        watched(|| {});
        assert!(halted.met().is_none());
        watched(|| panic!("a defect"));
        assert_eq!(halted.met().unwrap().to_string(), "a thread is gone");
    }
}
